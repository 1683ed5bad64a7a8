// SPDX-License-Identifier: MIT
/// Every allocation fails once: the first of a story, the second, and so on until the story has no more. Each time the
/// toolstack, or the guest, is told so, and nothing is lost; also when another allocation fails on the way back.
#include <gtest/gtest.h>

#include "drivers/iommu/amd_format.hpp"
#include "drivers/iommu/mirror.hpp"
#include "kernel/abi/xen/event_channel.hpp"
#include "kernel/abi/xen/memory.hpp"
#include "kernel/arch/cpu_policy.hpp"
#include "kernel/grant/entry.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "kernel/mm/page_table.hpp"
#include "kernel/mm/table_pool.hpp"
#include "tests/fakes/failing_allocations.hpp"
#include "tests/fakes/host_machine.hpp"
#include "tests/software/toolstack.hpp"

namespace hospes {
namespace {

using fakes::TestDomain;
using software::GuestPlan;
using software::Processor;
using software::Toolstack;
using xen::GrantStatus;

constexpr DomainId guest_id = 40; ///< other tests have left domains with lower numbers
constexpr s64 out_of_memory = -static_cast<s64>(Error::OutOfMemory);

/// What must be the same before and after.
struct Belongings {
    u64 frames = frames::free_count();
    u64 heap = fakes::heap_bytes();
    constexpr bool operator==(Belongings const&) const = default;
};
void PrintTo(Belongings const& value, std::ostream* out)
{
    *out << value.frames << " frames free, " << value.heap << " bytes on the heap";
}

class NoDevices final : public iommu::Units {
public:
    bool flush_translations() override { return true; }
    void note_added() override {}
};

/// dom0, with devices that reach its memory, and a guest that a story makes and uses.
class Machine {
public:
    Machine()
    {
        using Table = PageTable<iommu::AmdFormat, TablePool>;
        auto table = std::make_unique<Table>(TablePool{64});
        if (!table->initialize()) std::abort();
        devices_ = std::make_unique<iommu::Mirror>(std::move(table), 9, units_);
        dom0_->quota.ram.set_limit(256);
        if (!dom0_->physmap.attach(*devices_) || toolstack().prepare() != 0) std::abort();
    }
    ~Machine() { static_cast<void>(toolstack().destroy(guest_id)); }
    Machine(Machine const&) = delete;
    Machine& operator=(Machine const&) = delete;

    [[nodiscard]] Toolstack toolstack() const { return Toolstack{Processor{dom0_.vcpu()}}; }
    [[nodiscard]] Processor dom0() const { return Processor{dom0_.vcpu()}; }
    [[nodiscard]] Processor guest(u32 vcpu = 0) const { return Processor{*(*domains::find(guest_id))->vcpu(vcpu)}; }

private:
    NoDevices units_;
    std::unique_ptr<iommu::Mirror> devices_;
    TestDomain dom0_{0, true};
};

/// A story ends with the first step that fails, whose result it returns.
using Story = s64 (*)(Machine const&);

s64 build(Machine const& machine)
{
    GuestPlan plan{.id = guest_id};
    return machine.toolstack().build(plan);
}

struct Outcome {
    s64 result;
    u32 failed;
};

Outcome tell(Story story, bool after_building, u64 first, u64 second)
{
    Machine const machine;
    if (after_building) EXPECT_EQ(build(machine), 0);
    fakes::FailingAllocations const failing{first, second};
    s64 const result = story(machine);
    return {result, failing.failed()};
}

/// Tells the story again and again; `is_right` judges the result when something failed. Returns how many times.
template <typename IsRight>
u64 fail_each(Story story, bool after_building, IsRight is_right)
{
    static_cast<void>(tell(story, after_building, 0, 0)); // what is made once and stays
    constexpr u64 enough = 100'000;
    for (u64 first = 1; first < enough; ++first) {
        for (u64 second = 0; second < enough; ++second) {
            Belongings const before;
            auto const [result, failed] = tell(story, after_building, first, second);
            EXPECT_EQ(Belongings{}, before) << "lost at allocation " << first << ", then " << second;
            EXPECT_FALSE(domains::find(guest_id)) << first;
            if (failed == 0) {
                EXPECT_EQ(result, 0) << "the story itself is wrong";
                return first - 1;
            }
            EXPECT_TRUE(is_right(result)) << result << " at allocation " << first << ", then " << second;
            if (second != 0 && failed == 1) break; // none was left for the second
            if (testing::Test::HasFailure()) return first;
        }
    }
    return enough;
}

constexpr auto tells_so = [](s64 result) { return result == out_of_memory; };
/// Where another way is found the story goes on.
constexpr auto tells_so_or_goes_on = [](s64 result) { return result == out_of_memory || result == 0; };

TEST(AllocationFailure, BuildingAGuest)
{
    u64 const allocations = fail_each(build, false, tells_so);
    EXPECT_GT(allocations, 40u) << "32 pages of RAM, and what is made around them";
    RecordProperty("allocations", static_cast<int>(allocations));
}

template <typename T>
s64 event(Processor const& processor, xen::EventChannelCommand command, T request)
{
    return processor.call_with(xen::Hypercall::EventChannelOp, command, request);
}

s64 bind_ports(Machine const& machine)
{
    using enum xen::EventChannelCommand;
    for (u32 i = 0; i < 70; ++i) // more than one bucket
        if (s64 const bound = event(machine.guest(), BindIpi, xen::EventBindIpi{i % 2, 0}); bound != 0) return bound;
    if (s64 const bound = event(machine.guest(), BindVirq, xen::EventBindVirq{0, 1, 0}); bound != 0) return bound;
    return event(machine.dom0(), BindInterdomain, xen::EventBindInterdomain{guest_id, 0, 1, 0});
}

TEST(AllocationFailure, BindingPorts) { EXPECT_GT(fail_each(bind_ports, true, tells_so), 1u); }

template <typename T>
s64 memory(Processor const& processor, xen::MemoryCommand command, T request)
{
    return processor.call_with(xen::Hypercall::MemoryOp, command, request);
}

s64 add(Processor const& processor, xen::MapSpace space, u64 index, u64 where)
{
    return memory(processor, xen::MemoryCommand::AddToPhysmap,
                  xen::AddToPhysmap{xen::domid_self, 0, static_cast<u32>(space), index, where});
}

/// Far apart, so that each needs tables of its own.
s64 share_pages(Machine const& machine)
{
    constexpr u64 far = 0x4000'0000;
    if (s64 const done = add(machine.guest(), xen::MapSpace::SharedInfo, 0, far); done != 0) return done;
    if (s64 const done = add(machine.guest(), xen::MapSpace::SharedInfo, 0, 2 * far); done != 0) return done;
    for (u64 i = 0; i < 4; ++i)
        if (s64 const done = add(machine.guest(), xen::MapSpace::GrantTable, i, (4 + i) * far); done != 0) return done;
    return 0;
}

TEST(AllocationFailure, SharingPagesWithTheHypervisor) { EXPECT_GT(fail_each(share_pages, true, tells_so), 10u); }

s64 register_areas(Machine const& machine)
{
    using enum xen::VcpuCommand;
    constexpr u64 area = software::first_area << page_shift;
    Processor const guest = machine.guest();
    if (s64 const done = guest.vcpu_call(RegisterVcpuInfo, 1, xen::VcpuRegisterVcpuInfo{software::first_area, 0, 0});
        done != 0)
        return done;
    if (s64 const done =
            guest.vcpu_call(RegisterRunstateMemoryArea, 1, xen::VcpuRegisterRunstateMemoryArea{{area + 4090}});
        done != 0)
        return done;
    return guest.vcpu_call(RegisterVcpuTimeMemoryArea, 1, xen::VcpuRegisterTimeMemoryArea{{area + 2048}});
}

TEST(AllocationFailure, RegisteringAreas) { fail_each(register_areas, true, tells_so); }

s64 reservation(Processor const& processor, xen::MemoryCommand command, u64 first, u32 order)
{
    u64 const list = processor.page(software::first_list);
    if (!processor.put(list, first)) return Processor::no_memory;
    xen::MemoryReservation const request{.extent_start = {list},
                                         .nr_extents = 1,
                                         .extent_order = order,
                                         .mem_flags = 0,
                                         .domain = xen::domid_self,
                                         .pad = {}};
    return memory(processor, command, request) == 1 ? 0 : out_of_memory;
}

/// By the guest, and by dom0, whose devices see it, too.
s64 take_memory(Machine const& machine)
{
    using enum xen::MemoryCommand;
    constexpr u64 far = 0x4000'0000;
    for (Processor const& processor : {machine.guest(), machine.dom0()}) {
        if (s64 const done = reservation(processor, PopulatePhysmap, far, 4); done != 0) return done;
        if (s64 const done = reservation(processor, DecreaseReservation, far, 4); done != 0) return done;
    }
    return 0;
}

TEST(AllocationFailure, PopulatingMemory) { EXPECT_GT(fail_each(take_memory, true, tells_so_or_goes_on), 5u); }

void grant_to_dom0(Machine const& machine)
{
    auto const domain = domains::find(guest_id);
    auto const frame = (*domain)->grants.shared_frame(0, fakes::no_hurry());
    auto* const entries = arch::reach_as<SharedGrantEntry>(address_of(frame->frame()));
    for (u32 i = 0; i < 8; ++i) entries[i] = {xen::grant_entry_flag::permit_access, i};
    static_cast<void>(machine);
}

/// A mapping that finds no memory says so by a status of its own.
s64 map_grants(Machine const& machine)
{
    constexpr u64 far = 0x4000'0000;
    grant_to_dom0(machine);
    Processor const dom0 = machine.dom0();
    for (u32 i = 0; i < 8; ++i) {
        u64 const where = (i % 2 == 0 ? far + i : (i + 2) * far) << page_shift;
        xen::GrantMap request{where, xen::grant_map_flag::host_map, i, guest_id, GrantStatus::TryAgain, 0, 0};
        s64 const called = dom0.call_with(xen::Hypercall::GrantTableOp, xen::GrantTableCommand::MapGrantRef, request);
        if (called != 0) return called;
        if (request.status != GrantStatus::Okay) return static_cast<s64>(request.status) * 1000;
        if (i % 3 == 0) continue; // dom0's end takes it out
        xen::GrantUnmap back{where, 0, request.handle, GrantStatus::TryAgain, 0};
        static_cast<void>(dom0.call_with(xen::Hypercall::GrantTableOp, xen::GrantTableCommand::UnmapGrantRef, back));
        if (back.status != GrantStatus::Okay) return static_cast<s64>(back.status) * 1000;
    }
    return 0;
}

TEST(AllocationFailure, MappingGrants)
{
    u64 const allocations = fail_each(map_grants, true, [](s64 result) {
        return result == static_cast<s64>(GrantStatus::NoDeviceSpace) * 1000 ||
               result == static_cast<s64>(GrantStatus::NoSpace) * 1000 ||
               result == static_cast<s64>(GrantStatus::GeneralError) * 1000;
    });
    EXPECT_GT(allocations, 6u) << "handles and tables, dom0's and its devices'";
}

/// Pages of the guest, and of its grant table, in dom0's map.
s64 map_foreign(Machine const& machine)
{
    constexpr u64 far = 0x4000'0000;
    Processor const dom0 = machine.dom0();
    u64 const list = dom0.page(software::first_list);
    for (u64 i = 0; i < 4; ++i) {
        struct Lists {
            u64 frame, where;
            s32 error;
        };
        if (!dom0.put(list, Lists{i, (i + 1) * far, 0})) return Processor::no_memory;
        xen::AddToPhysmapBatch request{.domain = xen::domid_self,
                                       .space = static_cast<u16>(xen::MapSpace::GmfnForeign),
                                       .size = 1,
                                       .foreign_domain = guest_id,
                                       .indexes = {list},
                                       .gfns = {list + offsetof(Lists, where)},
                                       .errors = {list + offsetof(Lists, error)}};
        if (s64 const done = memory(dom0, xen::MemoryCommand::AddToPhysmapBatch, request); done != 0) return done;
        auto const lists = dom0.get<Lists>(list);
        if (!lists || lists->error != 0) return lists ? lists->error : Processor::no_memory;
    }
    return machine.toolstack().seed_grants(guest_id);
}

TEST(AllocationFailure, MappingForeignMemory) { EXPECT_GT(fail_each(map_foreign, true, tells_so), 8u); }

/// Records go to the toolstack's memory, and come from there, one after the other.
s64 save_and_load(Machine const& machine) { return machine.toolstack().save_and_load(guest_id); }

TEST(AllocationFailure, SavingAndLoadingNeedsNone) { EXPECT_EQ(fail_each(save_and_load, true, tells_so), 0u); }

s64 read_and_write(Machine const& machine)
{
    for (auto const command : {xen::DomctlCommand::GetVcpuContext, xen::DomctlCommand::SetVcpuContext}) {
        xen::Domctl request{};
        request.u.vcpu_context = {0, 0, {machine.toolstack().large_buffer()}};
        if (s64 const done = machine.toolstack().domctl(command, guest_id, request); done != 0) return done;
    }
    for (auto const command : {xen::DomctlCommand::GetCpuPolicy, xen::DomctlCommand::SetCpuPolicy}) {
        xen::Domctl request{};
        u64 const buffer = machine.toolstack().large_buffer();
        request.u.cpu_policy = {
            arch::max_policy_leaves, arch::max_policy_msrs, {buffer}, {buffer + 2 * page_size}, 0, 0, 0, 0};
        if (s64 const done = machine.toolstack().domctl(command, guest_id, request); done != 0) return done;
    }
    return 0;
}

TEST(AllocationFailure, RegistersAndPolicies) { EXPECT_EQ(fail_each(read_and_write, true, tells_so), 4u); }

/// An end needs no memory: none is asked for, so that it cannot fail for want of it.
s64 destroy(Machine const& machine) { return machine.toolstack().destroy(guest_id); }

TEST(AllocationFailure, DestroyingNeedsNone) { EXPECT_EQ(fail_each(destroy, true, tells_so), 0u); }

}
}
