// SPDX-License-Identifier: MIT
/// What a guest, or the toolstack, can make long is done in stretches, and all of it is done. The clock advances with
/// each look at it, so the number of looks stands for the work between.
#include <gtest/gtest.h>

#include <vector>

#include "kernel/abi/xen/domctl.hpp"
#include "kernel/abi/xen/event_channel.hpp"
#include "kernel/abi/xen/grant_table.hpp"
#include "kernel/abi/xen/hvm_save.hpp"
#include "kernel/abi/xen/sysctl.hpp"
#include "kernel/domain/burial.hpp"
#include "kernel/domain/domain_reference.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "tests/fakes/host_machine.hpp"
#include "tests/fakes/simulated_cpus.hpp"

namespace hospes {
namespace {

using fakes::TestDomain;

constexpr u64 request_at = 0x2000;
constexpr Nanoseconds step = Budget::stretch / 4;
constexpr u64 steps_per_stretch = 5; ///< the first is free

class BoundedTime : public testing::Test {
protected:
    /// Makes a hypercall again and again; how many stretches it takes.
    u64 stretches(TestDomain const& caller, xen::Hypercall number, HypercallArguments arguments)
    {
        for (u64 count = 1;; ++count) {
            auto const result = dispatch_hypercall(caller.vcpu(), static_cast<u64>(number), arguments);
            if (result.restart) continue;
            result_ = static_cast<s64>(result.value);
            return count;
        }
    }
    template <typename Work>
    static u64 stretches(Work work)
    {
        for (u64 count = 1;; ++count) {
            Budget budget;
            if (work(budget)) return count;
        }
    }

    TestDomain control_{0, true};
    TestDomain guest_{1, false, {.max_grant_frames = 32}};
    s64 result_ = 0;
};

TEST_F(BoundedTime, ResetOfEventChannels)
{
    constexpr u64 ports = 200;
    for (u64 i = 0; i < ports; ++i) ASSERT_TRUE(guest_->event_channels.alloc_unbound(0));
    guest_.put(request_at, xen::EventReset{.domain = xen::domid_self});
    fakes::SlowClock const clock{step};
    EXPECT_GE(stretches(guest_, xen::Hypercall::EventChannelOp,
                        {{static_cast<u64>(xen::EventChannelCommand::Reset), request_at}}),
              ports / steps_per_stretch);
    EXPECT_EQ(result_, 0);
    EXPECT_EQ(*guest_->event_channels.alloc_unbound(0), 1u) << "the lowest is free again";
}

TEST_F(BoundedTime, GrowthOfAGrantTable)
{
    guest_.put(request_at, xen::GrantSetupTable{.domain = xen::domid_self,
                                                .pad0 = 0,
                                                .nr_frames = 32,
                                                .status = xen::GrantStatus::GeneralError,
                                                .pad1 = {},
                                                .frame_list = {}});
    fakes::SlowClock const clock{step};
    EXPECT_GE(stretches(guest_, xen::Hypercall::GrantTableOp,
                        {{static_cast<u64>(xen::GrantTableCommand::SetupTable), request_at, 1}}),
              32 / steps_per_stretch);
    EXPECT_EQ(guest_.get<xen::GrantSetupTable>(request_at).status, xen::GrantStatus::Okay);
    EXPECT_EQ(guest_->grants.frame_count(), 32u);
}

/// A table that is all empty is one step of the walk, and one of the freeing.
TEST_F(BoundedTime, DestructionOfADomainWithManyEmptyTables)
{
    u64 const free = frames::free_count();
    u64 stretches_taken = 0;
    {
        std::optional<TestDomain> doomed;
        doomed.emplace(DomainId{40});
        u64 tables = 0;
        while ((*doomed)->map_shared_info(Gfn{0x100000 + tables * 512})) ++tables;
        ASSERT_GT(tables, 40u) << "the pool is full";
        {
            fakes::SlowClock const clock{step};
            stretches_taken = stretches([&](Budget& budget) { return (*doomed)->destroy_slice(budget).has_value(); });
            EXPECT_GE(stretches_taken, tables / steps_per_stretch);
        }
    }
    EXPECT_EQ(frames::free_count(), free);
}

/// The last reference may go in anybody's hypercall.
TEST_F(BoundedTime, BurialAfterTheLastReference)
{
    u64 const free = frames::free_count();
    auto const made = Domain::create(8, {.max_vcpus = 16}, false);
    ASSERT_TRUE(made && domains::add(**made) && (*made)->create_vcpus());
    std::optional<DomainReference> last{**made};
    while (!(*made)->destroy_slice(fakes::no_hurry())) {}
    last.reset();
    EXPECT_LT(frames::free_count(), free) << "nothing long is done at once";
    fakes::SlowClock const clock{step};
    EXPECT_GE(stretches([](Budget& budget) { return burial::go_on(budget); }), 16 / steps_per_stretch);
    EXPECT_EQ(frames::free_count(), free);
}

TEST_F(BoundedTime, TypesOfFrames)
{
    constexpr u64 list_at = 0x3000;
    constexpr u64 count = 64;
    for (u64 i = 0; i < count; ++i) control_.put(list_at + i * sizeof(u64), i);
    xen::Domctl request{};
    request.command = static_cast<u32>(xen::DomctlCommand::GetPageFrameInfo3);
    request.interface_version = xen::domctl_interface_version;
    request.domain = 1;
    request.u.get_page_frame_info3 = {.nr_frames = count, .array = {list_at}};
    control_.put(request_at, request);
    fakes::SlowClock const clock{step};
    EXPECT_GE(stretches(control_, xen::Hypercall::Domctl, {{request_at}}), count / steps_per_stretch);
    EXPECT_EQ(result_, 0);
    for (u64 i = 0; i < count; ++i)
        EXPECT_EQ(control_.get<u64>(list_at + i * sizeof(u64)),
                  i < TestDomain::ram_frames ? u64{xen::page_frame_type::no_table} : u64{xen::page_frame_type::invalid})
            << i;
}

/// A domain's saved state, in and out of dom0's memory.
class BoundedTransfer : public BoundedTime {
protected:
    static constexpr u32 vcpus = 20;
    static constexpr u64 buffer_at = 0x4000;

    u64 stretches_of(xen::DomctlCommand command, u32 size)
    {
        xen::Domctl request{};
        request.command = static_cast<u32>(command);
        request.interface_version = xen::domctl_interface_version;
        request.domain = large_->id();
        request.u.hvm_context = {.size = size, .pad = 0, .buffer = {buffer_at}};
        control_.put(request_at, request);
        fakes::SlowClock const clock{step};
        return stretches(control_, xen::Hypercall::Domctl, {{request_at}});
    }
    [[nodiscard]] u32 size_after() const { return control_.get<xen::Domctl>(request_at).u.hvm_context.size; }

    TestDomain large_{2, false, {.max_vcpus = vcpus}};
};

TEST_F(BoundedTransfer, OfAllVcpus)
{
    constexpr u32 room = 80 * kib;
    for (u32 id = 0; id < vcpus; ++id) large_.vcpu(id).virtual_cpu().registers.rip = 0x1000 + id;
    EXPECT_GE(stretches_of(xen::DomctlCommand::GetHvmContext, room), vcpus / steps_per_stretch);
    ASSERT_EQ(result_, 0);
    u32 const size = size_after();
    for (u32 id = 0; id < vcpus; ++id) large_.vcpu(id).virtual_cpu().registers.rip = 0;
    u64 const records = vcpus * 4;
    EXPECT_GE(stretches_of(xen::DomctlCommand::SetHvmContext, size), records / steps_per_stretch);
    ASSERT_EQ(result_, 0);
    for (u32 id = 0; id < vcpus; ++id) EXPECT_EQ(large_.vcpu(id).virtual_cpu().registers.rip, 0x1000 + id);
}

TEST_F(BoundedTransfer, OfEmptyRecords)
{
    xen::HvmSaveDescriptor descriptor{
        .typecode = static_cast<u16>(xen::HvmSaveCode::Header), .instance = 0, .length = sizeof(xen::HvmSaveHeader)};
    u64 at = buffer_at;
    auto const append = [&](auto const& bytes) {
        control_.put(at, bytes);
        at += sizeof bytes;
    };
    append(descriptor);
    append(xen::HvmSaveHeader{xen::hvm_file_magic, xen::hvm_file_version, 0, 0, 0});
    constexpr u64 records = 1000;
    descriptor = {.typecode = static_cast<u16>(xen::HvmSaveCode::TscAdjust), .instance = 0, .length = 0};
    for (u64 i = 0; i < records; ++i) append(descriptor);
    append(xen::HvmSaveDescriptor{});
    EXPECT_GE(stretches_of(xen::DomctlCommand::SetHvmContext, static_cast<u32>(at - buffer_at)),
              records / steps_per_stretch);
    EXPECT_EQ(result_, 0);
}

/// None is so long that it would take a stretch of its own.
TEST_F(BoundedTransfer, OfALongRecord)
{
    u64 const length = 64 * kib;
    control_.put(buffer_at, xen::HvmSaveDescriptor{.typecode = static_cast<u16>(xen::HvmSaveCode::Header),
                                                   .instance = 0,
                                                   .length = sizeof(xen::HvmSaveHeader)});
    control_.put(buffer_at + 8, xen::HvmSaveHeader{xen::hvm_file_magic, xen::hvm_file_version, 0, 0, 0});
    control_.put(buffer_at + 32, xen::HvmSaveDescriptor{.typecode = static_cast<u16>(xen::HvmSaveCode::CpuMsr),
                                                        .instance = 0,
                                                        .length = static_cast<u32>(length)});
    for (u64 i = 0; i < length; ++i) *control_.byte(buffer_at + 40 + i) = 0;
    control_.put(buffer_at + 40 + length, xen::HvmSaveDescriptor{});
    (void)stretches_of(xen::DomctlCommand::SetHvmContext, static_cast<u32>(length + 48));
    EXPECT_EQ(result_, fakes::as_result(Error::Invalid));
}

TEST_F(BoundedTime, ListOfDomains)
{
    constexpr u64 list_at = 0x3000;
    std::vector<std::unique_ptr<TestDomain>> others;
    constexpr DomainId first = 1000; // behind those that other tests keep
    for (DomainId id = first; id < first + 20; ++id) others.push_back(std::make_unique<TestDomain>(id));
    xen::Sysctl request{};
    request.command = static_cast<u32>(xen::SysctlCommand::GetDomainInfoList);
    request.interface_version = xen::sysctl_interface_version;
    request.u.get_domain_info_list.max_domains = 100;
    request.u.get_domain_info_list.buffer = {list_at};
    control_.put(request_at, request);
    fakes::SlowClock const clock{step};
    EXPECT_GE(stretches(control_, xen::Hypercall::Sysctl, {{request_at}}), 22 / steps_per_stretch);
    EXPECT_EQ(result_, 0);
    EXPECT_EQ(control_.get<xen::Sysctl>(request_at).u.get_domain_info_list.nr_domains, domains::count());
    u64 const before = domains::count() - 20;
    for (u64 i = 0; i < 20; ++i)
        EXPECT_EQ(
            control_.get<xen::DomctlGetDomainInfo>(list_at + (before + i) * sizeof(xen::DomctlGetDomainInfo)).domain,
            first + i);
}

}
}
