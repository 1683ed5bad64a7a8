// SPDX-License-Identifier: MIT
/// Blocks come out aligned, runs of any length go back, and what went back can be had again in one piece.
#include "kernel/mm/frame_allocator.hpp"

#include <gtest/gtest.h>

#include "kernel/mm/frame_table.hpp"
#include "tests/fakes/host_machine.hpp"

namespace hospes {
namespace {

class FrameAllocator : public testing::Test {
protected:
    void SetUp() override
    {
        fakes::start_machine();
        before_ = frames::free_count();
    }
    void TearDown() override { EXPECT_EQ(frames::free_count(), before_); }

    u64 before_ = 0;
};

TEST_F(FrameAllocator, BlocksAreAlignedToTheirSize)
{
    for (unsigned order = 0; order <= 9; ++order) {
        auto const block = frames::allocate(order);
        ASSERT_TRUE(block) << order;
        EXPECT_EQ(block->raw() % (u64{1} << order), 0u) << order;
        EXPECT_EQ(frames::free_count(), before_ - (u64{1} << order));
        frames::free(*block, order);
    }
}

/// What stays is the front of a block, as the heap keeps it; each length has another pattern of blocks behind it.
TEST_F(FrameAllocator, TheUnusedEndOfABlockGoesBack)
{
    constexpr unsigned order = 5;
    constexpr u64 all = u64{1} << order;
    for (u64 kept = 1; kept < all; ++kept) {
        auto const block = frames::allocate(order);
        ASSERT_TRUE(block);
        frames::free_run(*block + kept, all - kept);
        EXPECT_EQ(frames::free_count(), before_ - kept);
        for (u64 i = 0; i < all; ++i)
            EXPECT_EQ(frames::find(*block + i)->use == FrameUse::Free, i >= kept) << kept << ' ' << i;
        frames::free_run(*block, kept);
        EXPECT_EQ(frames::free_count(), before_);
    }
}

TEST_F(FrameAllocator, RunsThatWentBackInPiecesAreOneBlockAgain)
{
    constexpr unsigned order = 8;
    auto const block = frames::allocate(order);
    ASSERT_TRUE(block);
    frames::free_run(*block + 100, 56);
    frames::free_run(*block, 100);
    EXPECT_FALSE(frames::allocate_exactly(*block, order));
    frames::free_run(*block + 156, 100);
    ASSERT_TRUE(frames::allocate_exactly(*block, order));
    frames::free(*block, order);
}

TEST_F(FrameAllocator, AnEmptyRunIsNothing)
{
    auto const block = frames::allocate();
    ASSERT_TRUE(block);
    frames::free_run(*block, 0);
    EXPECT_EQ(frames::free_count(), before_ - 1);
    frames::free(*block);
}

TEST_F(FrameAllocator, WhatIsNotFreeCannotBeHadByName)
{
    auto const block = frames::allocate(1);
    ASSERT_TRUE(block);
    EXPECT_EQ(frames::allocate_exactly(*block + 1).error(), Error::OutOfMemory);
    EXPECT_EQ(frames::allocate_exactly(*block + 1, 1).error(), Error::Invalid) << "not aligned";
    EXPECT_EQ(frames::allocate_exactly(Hfn{1}).error(), Error::OutOfMemory) << "no memory there";
    frames::free(*block, 1);
}

TEST_F(FrameAllocator, ALimitHolds)
{
    Hpa const limit{u64{0x400} << page_shift};
    auto const low = frames::allocate_below(limit);
    ASSERT_TRUE(low);
    EXPECT_LT(low->raw(), 0x400u);
    frames::free(*low);
    EXPECT_EQ(frames::allocate_below(Hpa{page_size}).error(), Error::OutOfMemory);
}

TEST_F(FrameAllocator, MoreThanThereIsIsRefused)
{
    EXPECT_EQ(frames::allocate(frames::max_order).error(), Error::OutOfMemory);
    EXPECT_EQ(frames::allocate(frames::max_order + 1).error(), Error::OutOfMemory);
}

TEST_F(FrameAllocator, FreeingTwiceIsOurOwnBug)
{
    auto const block = frames::allocate();
    ASSERT_TRUE(block);
    frames::free(*block);
    EXPECT_DEATH(frames::free(*block), "freed twice");
}

}
}
