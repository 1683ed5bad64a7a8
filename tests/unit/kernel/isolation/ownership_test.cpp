// SPDX-License-Identifier: MIT
/// Who owns a page, who pays for it, and who may take it out of a map: what a hostile guest tries with one page that is
/// its own, granted, and mapped at two places.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "kernel/abi/xen/domctl.hpp"
#include "kernel/abi/xen/memory.hpp"
#include "kernel/abi/xen/vcpu.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "tests/fakes/host_machine.hpp"

namespace hospes {
namespace {

using fakes::as_result;
using fakes::TestDomain;
using xen::GrantStatus;
namespace entry_flag = xen::grant_entry_flag;
namespace map_flag = xen::grant_map_flag;

constexpr u16 in_use = entry_flag::reading | entry_flag::writing;
constexpr u64 window = 0x40000; ///< guest frames with nothing behind them
constexpr u64 own = 3;          ///< the page that everything is about
constexpr u64 extents_at = page_size;

class Ownership : public testing::Test {
protected:
    Ownership()
    {
        entries_ =
            static_cast<xen::GrantEntryV1*>(arch::reach(guest_->grants.shared_frame(0, fakes::no_hurry())->frame()));
        entries_[0] = {entry_flag::permit_access, 1, own};
    }

    [[nodiscard]] xen::GrantMap map(u64 where) const
    {
        xen::GrantMap request{where << page_shift, map_flag::host_map, 0, 1, GrantStatus::TryAgain, 0, 0};
        EXPECT_EQ(guest_.call_with(xen::Hypercall::GrantTableOp, xen::GrantTableCommand::MapGrantRef, request), 0);
        return request;
    }
    [[nodiscard]] GrantStatus unmap(u64 where, xen::GrantHandle handle) const
    {
        xen::GrantUnmap request{where << page_shift, 0, handle, GrantStatus::TryAgain, 0};
        EXPECT_EQ(guest_.call_with(xen::Hypercall::GrantTableOp, xen::GrantTableCommand::UnmapGrantRef, request), 0);
        return request.status;
    }
    [[nodiscard]] s64 reserve(xen::MemoryCommand command, u64 where) const
    {
        guest_.put(extents_at, where);
        xen::MemoryReservation request{.extent_start = xen::GuestHandle<u64>{extents_at},
                                       .nr_extents = 1,
                                       .extent_order = 0,
                                       .mem_flags = 0,
                                       .domain = xen::domid_self,
                                       .pad = {}};
        return guest_.call_with(xen::Hypercall::MemoryOp, command, request);
    }
    [[nodiscard]] s64 add_to_physmap(xen::MapSpace space, u64 where) const
    {
        xen::AddToPhysmap request{};
        request.domain = xen::domid_self;
        request.space = static_cast<u32>(space);
        request.gfn = where;
        return guest_.call_with(xen::Hypercall::MemoryOp, xen::MemoryCommand::AddToPhysmap, request);
    }
    [[nodiscard]] s64 register_info(u64 frame, u32 vcpu = 0) const
    {
        xen::VcpuRegisterVcpuInfo const request{frame, 64, 0};
        u64 const where = 8 * page_size;
        guest_.put(where, request);
        return guest_.call(xen::Hypercall::VcpuOp, static_cast<u64>(xen::VcpuCommand::RegisterVcpuInfo), vcpu, where);
    }

    TestDomain control_{0, true};
    TestDomain guest_{1, false, {.max_vcpus = 3}};
    xen::GrantEntryV1* entries_;
};

/// (audit A2) A page that its owner gave back lives on while it is mapped by grant: until it is free it is paid for.
TEST_F(Ownership, APageGivenBackIsChargedUntilItIsFree)
{
    auto const mapped = map(window);
    ASSERT_EQ(mapped.status, GrantStatus::Okay);
    u64 const used = guest_->quota.ram.used();
    ASSERT_EQ(reserve(xen::MemoryCommand::DecreaseReservation, own), 1);
    EXPECT_EQ(guest_->quota.ram.used(), used);
    EXPECT_EQ(reserve(xen::MemoryCommand::PopulatePhysmap, own), 0) << "it has all that it may have";
    ASSERT_EQ(unmap(window, mapped.handle), GrantStatus::Okay);
    EXPECT_EQ(guest_->quota.ram.used(), used - 1);
    EXPECT_EQ(reserve(xen::MemoryCommand::PopulatePhysmap, own), 1);
}

/// (A3) Shared info, a grant frame or anything else placed over a grant mapping would leave its use without an end.
TEST_F(Ownership, AGrantMappingGoesByItsHandleOnly)
{
    auto const mapped = map(window);
    ASSERT_EQ(mapped.status, GrantStatus::Okay);
    EXPECT_EQ(add_to_physmap(xen::MapSpace::SharedInfo, window), as_result(Error::Invalid));
    EXPECT_EQ(add_to_physmap(xen::MapSpace::GrantTable, window), as_result(Error::Invalid));
    EXPECT_EQ(reserve(xen::MemoryCommand::DecreaseReservation, window), 0);
    xen::RemoveFromPhysmap removal{};
    removal.domain = xen::domid_self;
    removal.gfn = window;
    EXPECT_EQ(guest_.call_with(xen::Hypercall::MemoryOp, xen::MemoryCommand::RemoveFromPhysmap, removal),
              as_result(Error::Invalid));
    EXPECT_EQ(guest_->physmap.lookup(Gfn{window}).type, MappingType::GrantWritable);
    EXPECT_EQ(unmap(window, mapped.handle), GrantStatus::Okay);
    EXPECT_EQ(entries_[0].flags & in_use, 0);
}

/// (A3) Whatever became of the mapping, the domain's end ends the use.
TEST_F(Ownership, NothingOfTheDomainStays)
{
    ASSERT_EQ(map(window).status, GrantStatus::Okay);
    static_cast<void>(add_to_physmap(xen::MapSpace::SharedInfo, window));
    guest_.destroy();
    EXPECT_FALSE(domains::find(1));
}

/// (A4) Two vCPUs: one takes RAM out and maps grants in its place, the other removes what it takes for RAM.
TEST_F(Ownership, LookingAndTakingOutIsOneStep)
{
    constexpr u64 contested = 5;
    std::thread remover{[&] {
        xen::RemoveFromPhysmap removal{};
        removal.domain = xen::domid_self;
        removal.gfn = contested;
        for (int i = 0; i < 3000; ++i)
            static_cast<void>(
                guest_.call_with(xen::Hypercall::MemoryOp, xen::MemoryCommand::RemoveFromPhysmap, removal, 1));
    }};
    int lost = 0;
    for (int i = 0; i < 3000; ++i) {
        static_cast<void>(reserve(xen::MemoryCommand::PopulatePhysmap, contested));
        static_cast<void>(reserve(xen::MemoryCommand::DecreaseReservation, contested));
        auto const mapped = map(contested);
        if (mapped.status != GrantStatus::Okay) continue;
        if (guest_->physmap.lookup(Gfn{contested}).type != MappingType::GrantWritable) ++lost;
        if (unmap(contested, mapped.handle) != GrantStatus::Okay) ++lost;
    }
    remover.join();
    EXPECT_EQ(lost, 0);
    EXPECT_EQ(entries_[0].flags & in_use, 0);
}

/// (A5) What the hypervisor goes on writing to must be the guest's own, not what somebody lent it.
TEST_F(Ownership, SharedRecordsLieInTheDomainsOwnRam)
{
    ASSERT_EQ(map(window).status, GrantStatus::Okay);
    EXPECT_EQ(register_info(window), as_result(Error::Invalid));
    for (auto const command :
         {xen::VcpuCommand::RegisterRunstateMemoryArea, xen::VcpuCommand::RegisterVcpuTimeMemoryArea}) {
        guest_.put(8 * page_size, window << page_shift);
        EXPECT_LT(guest_.call(xen::Hypercall::VcpuOp, static_cast<u64>(command), 0, 8 * page_size), 0);
        guest_.put(8 * page_size, (window << page_shift) - 8); // the second page of two
        EXPECT_LT(guest_.call(xen::Hypercall::VcpuOp, static_cast<u64>(command), 0, 8 * page_size), 0);
    }
    EXPECT_EQ(register_info(own), 0);
}

/// (A1) Registered by two at once, taken over by one: each page is referenced exactly by who uses it.
TEST_F(Ownership, TwoRegisterTheAreaOfAThird)
{
    u64 const before = frames::free_count();
    guest_.vcpu(2).set_waiting(WaitReason::Down);
    auto const registers = [&](u32 caller) {
        u64 const request = (8 + caller) * page_size;
        for (u64 i = 0; i < 3000; ++i) {
            guest_.put(request, (16 + 4 * caller + i % 4) * page_size);
            EXPECT_EQ(guest_.call(xen::Hypercall::VcpuOp,
                                  static_cast<u64>(i % 2 == 0 ? xen::VcpuCommand::RegisterRunstateMemoryArea
                                                              : xen::VcpuCommand::RegisterVcpuTimeMemoryArea),
                                  2, request, caller),
                      0);
        }
    };
    std::thread other{[&] { registers(1); }};
    registers(0);
    other.join();
    for (u64 frame = 16; frame < 24; ++frame) ASSERT_EQ(reserve(xen::MemoryCommand::DecreaseReservation, frame), 1);
    EXPECT_GE(frames::free_count(), before + 6) << "at most two areas are in use";
    EXPECT_LE(frames::free_count(), before + 7) << "and the last of each is";
    guest_.destroy();
    EXPECT_FALSE(domains::find(1));
}

/// Linux takes its areas away before it is saved.
TEST_F(Ownership, ANullAddressEndsAnArea)
{
    for (auto const command :
         {xen::VcpuCommand::RegisterRunstateMemoryArea, xen::VcpuCommand::RegisterVcpuTimeMemoryArea}) {
        guest_.put(8 * page_size, u64{16} * page_size);
        EXPECT_EQ(guest_.call(xen::Hypercall::VcpuOp, static_cast<u64>(command), 0, 8 * page_size), 0);
        guest_.put(8 * page_size, u64{0});
        EXPECT_EQ(guest_.call(xen::Hypercall::VcpuOp, static_cast<u64>(command), 0, 8 * page_size), 0);
    }
    u64 const before = frames::free_count();
    ASSERT_EQ(reserve(xen::MemoryCommand::DecreaseReservation, 16), 1);
    EXPECT_EQ(frames::free_count(), before + 1) << "nobody holds the page any more";
}

/// (A12) A domain's domctls are carried out one after the other; who comes meanwhile comes again.
TEST_F(Ownership, DomctlsOfADomainAreOrdered)
{
    xen::Domctl request{};
    request.command = static_cast<u32>(xen::DomctlCommand::PauseDomain);
    request.interface_version = xen::domctl_interface_version;
    request.domain = 1;
    control_.put(0, request);
    HypercallArguments arguments{{0}};
    auto const ask = [&] {
        return dispatch_hypercall(control_.vcpu(), static_cast<u64>(xen::Hypercall::Domctl), arguments).restart;
    };
    {
        auto const turn = guest_->control_turn.try_take();
        ASSERT_TRUE(turn);
        EXPECT_TRUE(ask());
        EXPECT_EQ(guest_->control.lock()->pause_count, 0u);
    }
    EXPECT_FALSE(ask());
    EXPECT_EQ(guest_->control.lock()->pause_count, 1u);
}

/// Everything that a guest makes the hypervisor allocate is charged to it, and the limit covers all it is allowed.
TEST_F(Ownership, OverheadIsCharged)
{
    u64 const before = guest_->quota.overhead.used();
    ASSERT_TRUE(guest_->grants.grow(3, fakes::no_hurry()));
    u64 const with_grants = guest_->quota.overhead.used();
    EXPECT_EQ(with_grants, before + 2 * 2) << "two frames more, each with its uses";
    ASSERT_EQ(map(window).status, GrantStatus::Okay);
    u64 const with_handle = guest_->quota.overhead.used();
    EXPECT_GE(with_handle, with_grants + 2) << "the index and the first page of handles";
    for (u32 i = 0; i < 70; ++i) ASSERT_TRUE(guest_->event_channels.alloc_unbound(0));
    EXPECT_EQ(guest_->quota.overhead.used(), with_handle + 2) << "two buckets of ports";
    guest_->quota.overhead.set_limit(guest_->quota.overhead.used());
    EXPECT_FALSE(guest_->grants.grow(4, fakes::no_hurry()));
    for (u32 i = 70; i < 127; ++i) ASSERT_TRUE(guest_->event_channels.alloc_unbound(0)) << i;
    EXPECT_EQ(guest_->event_channels.alloc_unbound(0).error(), Error::OutOfMemory);
    EXPECT_EQ(guest_->quota.overhead.used(), with_handle + 2) << "what failed is not charged";
}

/// (A10) Who binds to a domain that is going away would keep a connection to nobody.
TEST_F(Ownership, NobodyBindsToADyingDomain)
{
    TestDomain other{2};
    xen::EventPort last = 0;
    while (auto const port = guest_->event_channels.alloc_unbound(2)) last = *port;
    std::atomic<bool> done{false};
    int late = 0;
    std::thread binder{[&] {
        while (!done) {
            bool const closed = guest_->event_channels.alloc_unbound(2).error() == Error::Invalid;
            auto const port = other->event_channels.bind_interdomain(*guest_, last);
            if (port) static_cast<void>(other->event_channels.close(*port));
            if (port && closed) ++late;
        }
    }};
    while (!other->event_channels.status(1)) {} // it is at work
    ASSERT_TRUE(guest_->event_channels.close_all(fakes::no_hurry()));
    done = true;
    binder.join();
    EXPECT_EQ(late, 0);
    EXPECT_EQ(guest_->event_channels.status(last)->status, xen::EventStatusKind::Closed);
}

TEST(QuotaTest, ChecksAndAddsInOneStep)
{
    Account account{1000};
    std::atomic<u64> granted{0};
    auto const take = [&] {
        for (int i = 0; i < 2000; ++i)
            if (account.charge(1)) ++granted;
    };
    std::thread other{take};
    take();
    other.join();
    EXPECT_EQ(granted, 1000u);
    EXPECT_EQ(account.used(), 1000u);
    account.set_limit(10);
    account.refund(995);
    EXPECT_FALSE(account.charge(6));
    EXPECT_FALSE(account.charge(~u64{0})) << "no wrap-around";
    EXPECT_TRUE(account.charge(5));
}

}
}
