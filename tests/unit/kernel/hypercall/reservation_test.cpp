// SPDX-License-Identifier: MIT
/// Populating a domain: sizes, limits, and extents that take several slices.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <span>

#include "kernel/abi/xen/memory.hpp"
#include "kernel/domain/domain_reference.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "tests/fakes/host_machine.hpp"

namespace hospes {
namespace {

using fakes::TestDomain;

constexpr u64 request_at = 0;
constexpr u64 extents_at = page_size;
/// Guest frames that TestDomain leaves empty.
constexpr u64 first_place = 0x40000;

class Reservation : public testing::Test {
protected:
    Reservation() { guest_->quota.ram.set_limit(TestDomain::ram_frames + 2 * frames_of(large)); }

    static constexpr unsigned large = 11; ///< two slices; a gigabyte would not fit this machine
    static constexpr u64 frames_of(unsigned order) { return u64{1} << order; }

    /// `count` extents, one behind the other, for `target`.
    [[nodiscard]] static s64 populate(TestDomain const& caller, DomainId target, unsigned order, u64 count,
                                      u32 flags = 0)
    {
        for (u64 i = 0; i < count; ++i) caller.put(extents_at + i * sizeof(u64), first_place + i * frames_of(order));
        xen::MemoryReservation const request{.extent_start = xen::GuestHandle<u64>{extents_at},
                                             .nr_extents = count,
                                             .extent_order = order,
                                             .mem_flags = flags,
                                             .domain = target,
                                             .pad = {}};
        caller.put(request_at, request);
        return caller.call(xen::Hypercall::MemoryOp, static_cast<u64>(xen::MemoryCommand::PopulatePhysmap), request_at);
    }

    [[nodiscard]] bool is_zero(u64 frame) const
    {
        u8 const* const page = guest_.byte(frame << page_shift);
        return page && std::ranges::all_of(std::span{page, page_size}, [](u8 byte) { return byte == 0; });
    }

    TestDomain control_{0, true};
    TestDomain guest_{1};
};

TEST_F(Reservation, LargeExtentsComeInSlices)
{
    EXPECT_EQ(populate(control_, 1, large, 2), 2);
    EXPECT_EQ(guest_->quota.ram.used(), TestDomain::ram_frames + 2 * frames_of(large));
    for (u64 i = 0; i < 2 * frames_of(large); ++i) ASSERT_TRUE(is_zero(first_place + i)) << i;
    EXPECT_EQ(guest_->physmap.lookup(Gfn{first_place}).order, 9u) << "the largest pages that fit";
}

TEST_F(Reservation, TheDomainsLimitHolds)
{
    guest_->quota.ram.set_limit(TestDomain::ram_frames + frames_of(large));
    EXPECT_EQ(populate(control_, 1, large, 2), 1);
    EXPECT_EQ(guest_->quota.ram.used(), guest_->quota.ram.limit());
}

/// `maxmem` above `memory`: all of it is there at first, and nothing grows above the limit once the domain runs.
TEST_F(Reservation, OnDemandIsAtOnceAndMayExceedTheLimit)
{
    constexpr u32 on_demand = xen::memory_flag::populate_on_demand;
    guest_->quota.ram.set_limit(TestDomain::ram_frames + 2); // one more than the builder uses
    ASSERT_TRUE(guest_->pause());
    EXPECT_EQ(populate(control_, 1, large, 1, on_demand), 1);
    EXPECT_EQ(guest_->quota.ram.used(), TestDomain::ram_frames + frames_of(large));
    EXPECT_EQ(guest_->quota.ram.limit(), TestDomain::ram_frames + 2u);
    EXPECT_EQ(guest_->physmap.lookup(Gfn{first_place}).type, MappingType::Ram);
    auto const grow = [&](TestDomain const& caller, DomainId target, u64 where) {
        caller.put(extents_at, where);
        xen::MemoryReservation const one{.extent_start = {extents_at},
                                         .nr_extents = 1,
                                         .extent_order = 0,
                                         .mem_flags = 0,
                                         .domain = target,
                                         .pad = {}};
        caller.put(request_at, one);
        return caller.call(xen::Hypercall::MemoryOp, static_cast<u64>(xen::MemoryCommand::PopulatePhysmap), request_at);
    };
    u64 const next = first_place + frames_of(large);
    EXPECT_EQ(grow(control_, 1, next), 1) << "the builder's own pages come after that";
    ASSERT_TRUE(guest_->unpause());
    EXPECT_EQ(grow(guest_, xen::domid_self, next + 1), 0);
}

TEST_F(Reservation, NobodyPopulatesHimselfOnDemand)
{
    constexpr u32 on_demand = xen::memory_flag::populate_on_demand;
    EXPECT_EQ(populate(guest_, xen::domid_self, 0, 1, on_demand), 0);
    EXPECT_EQ(populate(control_, xen::domid_self, 0, 1, on_demand), 0);
    EXPECT_EQ(guest_->quota.ram.used(), TestDomain::ram_frames);
}

/// What does not come about is not charged.
TEST_F(Reservation, OnDemandEndsWithTheHostsMemory)
{
    u64 const free = frames::free_count();
    u64 const done =
        static_cast<u64>(populate(control_, 1, 9, free / frames_of(9) + 8, xen::memory_flag::populate_on_demand));
    EXPECT_LT(done, free / frames_of(9) + 8);
    EXPECT_EQ(guest_->quota.ram.used(), TestDomain::ram_frames + done * frames_of(9));
}

TEST_F(Reservation, WhatIsTooLargeIsNotDone)
{
    EXPECT_EQ(populate(guest_, xen::domid_self, large, 1), 0) << "a guest's own extents end at 2 MiB";
    EXPECT_EQ(populate(control_, xen::domid_self, large, 1), 0) << "and so do dom0's";
    EXPECT_EQ(populate(control_, 1, 19, 1), 0);
    EXPECT_EQ(guest_->quota.ram.used(), TestDomain::ram_frames);
}

/// Another of dom0's vCPUs may be destroying the domain. What came after the end would never be taken out again.
TEST_F(Reservation, NothingIsAddedToAMapThatIsTornDown)
{
    DomainReference const kept{*guest_};
    guest_.destroy();
    auto const frame = frames::allocate_zeroed();
    ASSERT_TRUE(frame);
    auto charge = Charge::take(kept->quota, AccountKind::Ram, 1);
    ASSERT_TRUE(charge);
    frames::give_to(*kept, *frame, 0, *charge);
    EXPECT_EQ(kept->physmap.add_ram(Gfn{first_place}, *frame, 0).error(), Error::Invalid);
    frames::drop_references(*frame, 0);
}

TEST_F(Reservation, AnExtentThatDoesNotFitTheMachineLeavesNothing)
{
    guest_->quota.ram.set_limit(frames_of(20));
    u64 const before = frames::free_count();
    EXPECT_EQ(populate(control_, 1, 18, 1), 0);
    EXPECT_EQ(frames::free_count(), before);
}

}
}
