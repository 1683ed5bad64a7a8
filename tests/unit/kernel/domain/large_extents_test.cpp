// SPDX-License-Identifier: MIT
/// Memory that is zeroed stretch by stretch comes whole and clean, or goes back.
#include "kernel/domain/large_extents.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>

#include "tests/fakes/host_machine.hpp"
#include "tests/fakes/simulated_cpus.hpp"

namespace hospes {
namespace {

constexpr unsigned order = 9;
constexpr u64 frame_count = u64{1} << order;
constexpr Gfn here{0x40000};
constexpr Gfn elsewhere{0x80000};

class ALargeExtent : public testing::Test {
protected:
    ALargeExtent()
    {
        guest_->quota.ram.set_limit(guest_->quota.ram.used() + 2 * frame_count);
        leave_traces();
        before_ = frames::free_count();
    }

    /// What the allocator hands out next was somebody's.
    static void leave_traces()
    {
        auto const used = frames::allocate(order);
        ASSERT_TRUE(used);
        std::ranges::fill(std::span{static_cast<u8*>(arch::reach(*used)), page_size << order}, u8{0x5a});
        frames::free(*used, order);
    }
    /// One stretch of work.
    Expected<> work(Gfn where)
    {
        Budget budget;
        return guest_->large_extents.populate(where, order, Limit::Holds, budget);
    }
    /// Until it is done or fails; how many stretches it takes.
    u64 stretches(Gfn where, Expected<>& result)
    {
        for (u64 count = 1;; ++count) {
            result = work(where);
            if (result || result.error() != Error::Restart) return count;
        }
    }
    bool is_zero(Gfn first) const
    {
        for (u64 i = 0; i < frame_count; ++i) {
            u8 const* const page = guest_.byte((first.raw() + i) << page_shift);
            if (!page || !std::ranges::all_of(std::span{page, page_size}, [](u8 byte) { return byte == 0; }))
                return false;
        }
        return true;
    }

    fakes::TestDomain guest_{1};
    u64 before_ = 0;
};

TEST_F(ALargeExtent, IsWholeAndCleanWhenItComes)
{
    fakes::SlowClock const clock{Budget::stretch / 4};
    Expected<> result;
    EXPECT_GT(stretches(here, result), 10u);
    EXPECT_TRUE(result);
    EXPECT_TRUE(is_zero(here));
    EXPECT_EQ(guest_->physmap.lookup(here).order, order);
}

TEST_F(ALargeExtent, IsForWhoeverComesNext)
{
    fakes::SlowClock const clock{Budget::stretch / 4};
    EXPECT_EQ(work(here).error(), Error::Restart);
    Expected<> result;
    static_cast<void>(stretches(elsewhere, result));
    EXPECT_TRUE(result);
    EXPECT_TRUE(is_zero(elsewhere));
    EXPECT_EQ(guest_->physmap.lookup(here).type, MappingType::None);
}

TEST_F(ALargeExtent, GoesBackWhenTheMapRefusesIt)
{
    Budget budget;
    ASSERT_TRUE(guest_->large_extents.populate(here, order, Limit::Holds, budget));
    u64 const used = guest_->quota.ram.used();
    u64 const free = frames::free_count();
    fakes::SlowClock const clock{Budget::stretch / 4};
    Expected<> result;
    static_cast<void>(stretches(here, result));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), Error::Exists);
    EXPECT_EQ(frames::free_count(), free);
    EXPECT_EQ(guest_->quota.ram.used(), used);
}

TEST_F(ALargeExtent, GoesBackWhenNobodyComesForIt)
{
    u64 const used = guest_->quota.ram.used();
    fakes::SlowClock const clock{Budget::stretch / 4};
    EXPECT_EQ(work(here).error(), Error::Restart);
    EXPECT_EQ(guest_->quota.ram.used(), used + frame_count) << "charged from the beginning";
    for (;;) {
        Budget budget;
        if (guest_->large_extents.discard(budget)) break;
    }
    EXPECT_EQ(frames::free_count(), before_);
    EXPECT_EQ(guest_->quota.ram.used(), used);
}

/// Another of dom0's vCPUs may have looked whether the domain is dying before it was.
TEST_F(ALargeExtent, IsNotBegunWhenNobodyWouldGiveItBack)
{
    ASSERT_TRUE(guest_->large_extents.discard(fakes::no_hurry()));
    fakes::SlowClock const clock{Budget::stretch / 4};
    EXPECT_EQ(work(here).error(), Error::Invalid);
    EXPECT_EQ(frames::free_count(), before_);
}

TEST_F(ALargeExtent, NeedsQuota)
{
    guest_->quota.ram.set_limit(guest_->quota.ram.used() + frame_count - 1);
    EXPECT_EQ(work(here).error(), Error::OutOfMemory);
    EXPECT_EQ(frames::free_count(), before_);
}

}
}
