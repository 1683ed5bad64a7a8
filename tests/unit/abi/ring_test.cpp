// SPDX-License-Identifier: MIT
/// The frontend's side of a ring against a backend played by the test.

#include "kernel/abi/xen/io/block.hpp"

#include <gtest/gtest.h>

namespace hospes::xen {
namespace {

using Front = FrontRing<BlockRequest, BlockResponse>;

class Ring : public testing::Test {
protected:
    void send(u64 id)
    {
        BlockRequest request{};
        request.id = id;
        front_.push(request);
    }

    void answer(u64 id)
    {
        BlockResponse response{};
        response.id = id;
        shared_.entries[shared_.response_producer % BlockRing::nr_entries].response = response;
        ++shared_.response_producer;
    }

    BlockRing shared_{};
    Front front_{shared_};
};

TEST_F(Ring, BackendSeesNothingBeforePublish)
{
    send(7);
    EXPECT_EQ(shared_.request_producer, 0U);
    EXPECT_TRUE(front_.publish());
    EXPECT_EQ(shared_.request_producer, 1U);
    EXPECT_EQ(shared_.entries[0].request.id, 7U);
}

TEST_F(Ring, BackendIsOnlyToldWhenItAsked)
{
    send(1);
    EXPECT_TRUE(front_.publish());
    send(2);
    EXPECT_FALSE(front_.publish()) << "request_event is still 1";
    shared_.request_event = 3;
    send(3);
    EXPECT_TRUE(front_.publish());
}

TEST_F(Ring, FullRingRefusesAndDrains)
{
    for (u64 id = 0; id < BlockRing::nr_entries; ++id) {
        EXPECT_FALSE(front_.is_full());
        send(id);
    }
    EXPECT_TRUE(front_.is_full());
    EXPECT_TRUE(front_.publish());
    for (u64 id = 0; id < BlockRing::nr_entries; ++id) answer(id);
    for (u64 id = 0; id < BlockRing::nr_entries; ++id) {
        ASSERT_TRUE(front_.has_response());
        EXPECT_EQ(front_.pop().id, id);
    }
    EXPECT_FALSE(front_.has_response());
    EXPECT_EQ(shared_.response_event, BlockRing::nr_entries + 1) << "asks to be told of the next response";
}

TEST_F(Ring, ProducerThatPromisesMoreThanWasAskedIsNotBelieved)
{
    send(1);
    EXPECT_TRUE(front_.publish());
    shared_.response_producer = 1000;
    EXPECT_FALSE(front_.has_response());
}

}
}
