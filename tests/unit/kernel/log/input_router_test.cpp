// SPDX-License-Identifier: MIT
#include "kernel/log/input_router.hpp"

#include <gtest/gtest.h>
#include <string>

using namespace hospes;
using Outcome = InputRouter::Outcome;

namespace {

constexpr char ctrl_a = InputRouter::switch_character;

std::string read(InputRouter& router)
{
    std::string out(2000, '?');
    out.resize(router.read(out));
    return out;
}

}

TEST(InputRouter, ThreeSwitchCharactersSwitchThereAndBack)
{
    InputRouter router;
    EXPECT_EQ(router.receive('x'), Outcome::Queued);
    EXPECT_EQ(router.receive(ctrl_a), Outcome::Swallowed);
    EXPECT_EQ(router.receive(ctrl_a), Outcome::Swallowed);
    EXPECT_EQ(router.receive(ctrl_a), Outcome::Switched);
    EXPECT_FALSE(router.belongs_to_domain());
    EXPECT_EQ(router.receive('h'), Outcome::DebugKey);
    for (int i = 0; i < 3; ++i) (void)router.receive(ctrl_a);
    EXPECT_TRUE(router.belongs_to_domain());
    EXPECT_EQ(read(router), "x");
}

TEST(InputRouter, FewerAreDom0s)
{
    InputRouter router;
    (void)router.receive(ctrl_a);
    (void)router.receive(ctrl_a);
    EXPECT_EQ(router.receive('x'), Outcome::Queued);
    EXPECT_EQ(read(router), (std::string{ctrl_a, ctrl_a, 'x'}));
}

TEST(InputRouter, AFullQueueDropsTheNewest)
{
    InputRouter router;
    for (int i = 0; i < 1024; ++i) EXPECT_EQ(router.receive('a'), Outcome::Queued);
    EXPECT_EQ(router.receive('b'), Outcome::Swallowed);
    EXPECT_EQ(read(router), std::string(1024, 'a'));
}
