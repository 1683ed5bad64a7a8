// SPDX-License-Identifier: MIT
/// What dom0 alone does: building, watching and ending guests, mapping their memory, and asking about the machine.
#include <array>

#include "kernel/abi/xen/console.hpp"
#include "kernel/abi/xen/memory.hpp"
#include "kernel/abi/xen/physdev.hpp"
#include "kernel/abi/xen/platform.hpp"
#include "kernel/abi/xen/sched.hpp"
#include "kernel/abi/xen/sysctl.hpp"
#include "tests/software/guest.hpp"

namespace hospes::software {

namespace {

using enum xen::DomctlCommand;

Toolstack toolstack(Guest const& guest) { return Toolstack{guest.processor()}; }

GuestPlan any_plan(Guest& guest)
{
    GuestPlan plan;
    plan.id = guest.any_guest();
    plan.vcpus = 1 + guest.below(3);
    plan.most_pages = ram_frames + guest.below(3) * 16;
    return plan;
}

/// A domctl about any guest, with its structure filled in by `fill`.
template <xen::DomctlCommand command, void (*fill)(Guest&, xen::Domctl&)>
s64 control(Guest& guest)
{
    xen::Domctl request{};
    fill(guest, request);
    return toolstack(guest).domctl(command, guest.any_guest(), request);
}

void nothing(Guest&, xen::Domctl&) {}
void bitmap_on_list(Guest& guest, xen::ControlBitmap& bitmap) { bitmap = {{guest.processor().page(first_list)}, 8, 0}; }

void affinity(Guest& guest, xen::Domctl& request)
{
    request.u.vcpu_affinity.vcpu = guest.any_vcpu();
    request.u.vcpu_affinity.flags = 1 + guest.below(3);
    static_cast<void>(guest.processor().put(guest.processor().page(first_list), static_cast<u8>(guest.below(16))));
    bitmap_on_list(guest, request.u.vcpu_affinity.hard);
    bitmap_on_list(guest, request.u.vcpu_affinity.soft);
}
void weight_or_cap(Guest& guest, xen::Domctl& request)
{
    request.u.scheduler_op.scheduler_id = static_cast<u32>(xen::SchedulerId::Credit2);
    request.u.scheduler_op.command = guest.below(2);
    request.u.scheduler_op.u.credit2 = {static_cast<u16>(128 + guest.below(512)),
                                        static_cast<u16>(guest.below(2) * 100)};
}
void shadow(Guest& guest, xen::Domctl& request)
{
    constexpr std::array commands{xen::ShadowCommand::Off,           xen::ShadowCommand::EnableLogDirty,
                                  xen::ShadowCommand::Clean,         xen::ShadowCommand::Peek,
                                  xen::ShadowCommand::GetAllocation, xen::ShadowCommand::SetAllocation};
    request.u.shadow_op = {.operation = static_cast<u32>(commands[guest.below(commands.size())]),
                           .mode = xen::shadow_mode_flag::log_dirty_final,
                           .megabytes = 1,
                           .pad = 0,
                           .dirty_bitmap = {guest.processor().page(first_list)},
                           .pages = 4096,
                           .fault_count = 0,
                           .dirty_count = 0};
}
void vcpu_context(Guest& guest, xen::Domctl& request)
{
    request.u.vcpu_context = {guest.any_vcpu(), 0, {toolstack(guest).large_buffer()}};
}
void cpu_policy(Guest& guest, xen::Domctl& request)
{
    u64 const list = guest.processor().page(first_list);
    request.u.cpu_policy = {2, 1, {list}, {list + 2048}, 0, 0, 0, 0};
}

/// Maps frames of a guest, each answered by itself.
s64 map_foreign(Guest& guest)
{
    struct Lists {
        std::array<u64, 2> frames;
        std::array<u64, 2> places;
        std::array<s32, 2> errors;
    };
    u64 const list = guest.processor().page(first_list);
    u64 const window = first_foreign_window + guest.own_id() * window_frames;
    Lists const lists{
        {guest.below(ram_frames), guest.below(ram_frames)}, {window + guest.below(8), window + guest.below(8)}, {}};
    if (!guest.processor().put(list, lists)) return Processor::no_memory;
    xen::AddToPhysmapBatch request{.domain = xen::domid_self,
                                   .space = static_cast<u16>(xen::MapSpace::GmfnForeign),
                                   .size = 2,
                                   .foreign_domain = guest.any_guest(),
                                   .indexes = {list},
                                   .gfns = {list + offsetof(Lists, places)},
                                   .errors = {list + offsetof(Lists, errors)}};
    return guest.processor().call_with(xen::Hypercall::MemoryOp, xen::MemoryCommand::AddToPhysmapBatch, request);
}

s64 unmap_foreign(Guest& guest)
{
    u64 const window = first_foreign_window + guest.own_id() * window_frames;
    xen::RemoveFromPhysmap request{xen::domid_self, {}, window + guest.below(8)};
    return guest.processor().call_with(xen::Hypercall::MemoryOp, xen::MemoryCommand::RemoveFromPhysmap, request);
}

s64 ask_the_machine(Guest& guest)
{
    using enum xen::SysctlCommand;
    constexpr std::array commands{PhysInfo,         SchedId,      PerfcOp,         GetCpuInfo,
                                  AvailHeap,        NumaInfo,     CpuTopologyInfo, GetCpuLevellingCaps,
                                  GetCpuFeatureset, GetCpuPolicy, PciTopologyInfo, ReadConsole};
    xen::Sysctl request{};
    request.command = static_cast<u32>(commands[guest.below(commands.size())]);
    request.interface_version = xen::sysctl_interface_version;
    return guest.processor().call_about(xen::Hypercall::Sysctl, request);
}

s64 list_domains(Guest& guest)
{
    xen::Sysctl request{};
    request.command = static_cast<u32>(xen::SysctlCommand::GetDomainInfoList);
    request.interface_version = xen::sysctl_interface_version;
    request.u.get_domain_info_list.max_domains = 8;
    request.u.get_domain_info_list.buffer = {guest.processor().page(first_list)};
    return guest.processor().call_about(xen::Hypercall::Sysctl, request);
}

s64 set_time(Guest& guest)
{
    xen::PlatformOp request{};
    request.command = static_cast<u32>(xen::PlatformCommand::SetTime64);
    request.interface_version = xen::platform_interface_version;
    request.u.set_time64 = {1'800'000'000 + guest.below(1000), 0, 0, 0};
    return guest.processor().call_about(xen::Hypercall::PlatformOp, request);
}

s64 shut_guest_down(Guest& guest)
{
    xen::SchedRemoteShutdown request{guest.any_guest(), 0, guest.below(7)};
    return guest.processor().call_with(xen::Hypercall::SchedOp, xen::SchedCommand::RemoteShutdown, request);
}

s64 claim(Guest& guest)
{
    xen::MemoryReservation request{.extent_start = {},
                                   .nr_extents = 1 + guest.below(100),
                                   .extent_order = 0,
                                   .mem_flags = 0,
                                   .domain = guest.any_guest(),
                                   .pad = {}};
    return guest.processor().call_with(xen::Hypercall::MemoryOp, xen::MemoryCommand::ClaimPages, request);
}

s64 console(Guest& guest)
{
    bool const writes = guest.one_in(2);
    return guest.processor().call(xen::Hypercall::ConsoleIo,
                                  static_cast<u64>(writes ? xen::ConsoleCommand::Write : xen::ConsoleCommand::Read),
                                  guest.below(1000), guest.processor().page(first_list));
}

s64 add_device(Guest& guest)
{
    xen::PhysdevPciDeviceAdd request{};
    return guest.processor().call_with(xen::Hypercall::PhysdevOp, xen::PhysdevCommand::PciDeviceAdd, request);
}

std::array const actions{
    Action{"control: build", 10,
           [](Guest& guest) {
               GuestPlan plan = any_plan(guest);
               return toolstack(guest).build(plan);
           }},
    Action{"control: destroy", 4, [](Guest& guest) { return toolstack(guest).destroy(guest.any_guest()); }},
    Action{"control: createdomain", 1,
           [](Guest& guest) {
               GuestPlan plan = any_plan(guest);
               return toolstack(guest).create(plan);
           }},
    Action{"control: max_vcpus", 1, [](Guest& guest) { return toolstack(guest).create_vcpus(any_plan(guest)); }},
    Action{"control: max_mem", 1, [](Guest& guest) { return toolstack(guest).limit_memory(any_plan(guest)); }},
    Action{"control: paging pool", 1,
           [](Guest& guest) { return toolstack(guest).limit_tables(guest.any_guest(), 16 + guest.below(64)); }},
    Action{"control: get paging pool", 1, control<GetPagingMempoolSize, nothing>},
    Action{"control: populate", 1, [](Guest& guest) { return toolstack(guest).populate(guest.any_guest()); }},
    Action{"control: set_memory_map", 1,
           [](Guest& guest) { return toolstack(guest).set_memory_map(guest.any_guest()); }},
    Action{"control: make ports", 1, [](Guest& guest) { return toolstack(guest).make_ports(guest.any_guest()); }},
    Action{"control: acquire_resource", 2,
           [](Guest& guest) { return toolstack(guest).seed_grants(guest.any_guest()); }},
    Action{"control: sethvmcontext", 1,
           [](Guest& guest) { return toolstack(guest).load_registers(guest.any_guest()); }},
    Action{"control: save and load", 2, [](Guest& guest) { return toolstack(guest).save_and_load(guest.any_guest()); }},
    Action{"control: pause", 2, control<PauseDomain, nothing>},
    Action{"control: unpause", 4, control<UnpauseDomain, nothing>},
    Action{"control: resume", 2, control<ResumeDomain, nothing>},
    Action{"control: getdomaininfo", 2, control<GetDomainInfo, nothing>},
    Action{"control: getvcpuinfo", 1,
           control<GetVcpuInfo,
                   [](Guest& guest, xen::Domctl& request) { request.u.get_vcpu_info.vcpu = guest.any_vcpu(); }>},
    Action{"control: setvcpuaffinity", 1, control<SetVcpuAffinity, affinity>},
    Action{"control: getvcpuaffinity", 1, control<GetVcpuAffinity, affinity>},
    Action{"control: scheduler_op", 1, control<SchedulerOp, weight_or_cap>},
    Action{"control: shadow_op", 3, control<ShadowOp, shadow>},
    Action{"control: getvcpucontext", 1, control<GetVcpuContext, vcpu_context>},
    Action{"control: setvcpucontext", 1, control<SetVcpuContext, vcpu_context>},
    Action{"control: getcpupolicy", 1, control<GetCpuPolicy, cpu_policy>},
    Action{"control: setcpupolicy", 1, control<SetCpuPolicy, cpu_policy>},
    Action{"control: handle", 1, control<SetDomainHandle, nothing>},
    Action{"control: time offset", 1, control<SetTimeOffset, nothing>},
    Action{"control: settscinfo", 1, control<SetTscInfo, nothing>},
    Action{"control: gettscinfo", 1, control<GetTscInfo, nothing>},
    Action{"control: page frames", 1,
           control<GetPageFrameInfo3,
                   [](Guest& guest, xen::Domctl& request) {
                       request.u.get_page_frame_info3 = {16, {guest.processor().page(first_list)}};
                   }>},
    Action{"control: address size", 1, control<GetAddressSize, nothing>},
    Action{"control: set node affinity", 1, control<SetNodeAffinity, nothing>},
    Action{"control: get node affinity", 1, control<GetNodeAffinity, nothing>},
    Action{"control: trigger", 1,
           control<SendTrigger,
                   [](Guest& guest, xen::Domctl& request) { request.u.send_trigger = {0, guest.any_vcpu()}; }>},
    Action{"control: map foreign", 4, map_foreign},
    Action{"control: unmap foreign", 4, unmap_foreign},
    Action{"control: claim", 1, claim},
    Action{"control: remote shutdown", 1, shut_guest_down},
    Action{"sysctl", 4, ask_the_machine},
    Action{"sysctl: domains", 1, list_domains},
    Action{"platform: settime", 2, set_time},
    Action{"console_io", 1, console},
    Action{"physdev: add", 1, add_device},
};

}

std::span<Action const> control_actions() { return actions; }

}
