// SPDX-License-Identifier: MIT
/// Memory that is zeroed in slices comes out once, whole and clean, or goes back.
#include "kernel/mm/large_extent.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>

#include "kernel/arch/memory.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "tests/fakes/host_machine.hpp"

namespace hospes {
namespace {

constexpr unsigned order = 11;
constexpr u64 slices = (u64{1} << order) / LargeExtent::frames_per_slice;
constexpr Gfn here{0x40000};
constexpr Gfn elsewhere{0x80000};

std::span<u8> bytes_of(Hfn block) { return {static_cast<u8*>(arch::reach(block)), page_size << order}; }

class ALargeExtent : public testing::Test {
protected:
    void SetUp() override
    {
        fakes::start_machine();
        before_ = frames::free_count();
        quota_.ram.set_limit(u64{1} << frames::max_order);
        leave_traces();
    }
    void TearDown() override { EXPECT_EQ(frames::free_count(), before_); }

    /// What the allocator hands out next was somebody's.
    static void leave_traces()
    {
        auto const used = frames::allocate(order);
        ASSERT_TRUE(used);
        std::ranges::fill(bytes_of(*used), u8{0x5a});
        frames::free(*used, order);
    }

    u64 before_ = 0;
    Quota quota_{0};
};

TEST_F(ALargeExtent, IsCleanWhenItComes)
{
    LargeExtent extent;
    for (u64 slice = 1; slice < slices; ++slice) EXPECT_EQ(extent.prepare(quota_, here, order).error(), Error::Restart);
    auto const block = extent.prepare(quota_, here, order);
    ASSERT_TRUE(block);
    EXPECT_TRUE(std::ranges::all_of(bytes_of(block->first), [](u8 byte) { return byte == 0; }));
    frames::free(block->first, order);
}

TEST_F(ALargeExtent, ServesOnePlaceAtATime)
{
    LargeExtent extent;
    EXPECT_EQ(extent.prepare(quota_, here, order).error(), Error::Restart);
    EXPECT_EQ(extent.prepare(quota_, elsewhere, order).error(), Error::Busy);
    EXPECT_EQ(extent.prepare(quota_, here, order - 1).error(), Error::Busy);
    auto const first = extent.prepare(quota_, here, order);
    ASSERT_TRUE(first);
    EXPECT_EQ(extent.prepare(quota_, elsewhere, order).error(), Error::Restart) << "it is free for the next";
    frames::free(first->first, order);
}

TEST_F(ALargeExtent, GoesBackWhenNobodyComesForIt)
{
    {
        LargeExtent extent;
        EXPECT_EQ(extent.prepare(quota_, here, order).error(), Error::Restart);
        EXPECT_EQ(frames::free_count(), before_ - (u64{1} << order));
        EXPECT_EQ(quota_.ram.used(), u64{1} << order) << "charged from the first slice on";
    }
    EXPECT_EQ(quota_.ram.used(), 0u);
}

TEST_F(ALargeExtent, IsChargedBeforeItIsMade)
{
    quota_.ram.set_limit((u64{1} << order) - 1);
    LargeExtent extent;
    EXPECT_EQ(extent.prepare(quota_, here, order).error(), Error::OutOfMemory);
    EXPECT_EQ(frames::free_count(), before_);
}

TEST_F(ALargeExtent, NeedsMemoryInOnePiece)
{
    LargeExtent extent;
    EXPECT_EQ(extent.prepare(quota_, here, frames::max_order).error(), Error::OutOfMemory);
    EXPECT_EQ(extent.prepare(quota_, here, order).error(), Error::Restart) << "nothing was begun";
}

}
}
