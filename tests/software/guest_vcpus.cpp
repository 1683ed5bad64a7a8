// SPDX-License-Identifier: MIT
/// What a guest does with its vCPUs and with time.
#include <array>

#include "kernel/abi/xen/sched.hpp"
#include "kernel/time/clock.hpp"
#include "tests/software/guest.hpp"

namespace hospes::software {

namespace {

using enum xen::VcpuCommand;

/// Where the hypervisor shall write: on the page of the vCPU that asks, or somewhere else.
u64 any_area(Guest& guest, u32 target, u32 kind)
{
    u64 const frame = guest.one_in(8) ? guest.any_frame() : first_area + guest.own_id();
    return (frame << page_shift) + u64{target} * 1024 + u64{kind} * 256;
}

s64 vcpu(Guest const& guest, xen::VcpuCommand command, u32 target)
{
    return guest.processor().call(xen::Hypercall::VcpuOp, static_cast<u64>(command), target, 0);
}

s64 register_info(Guest& guest)
{
    u32 const target = guest.any_vcpu();
    u64 const where = any_area(guest, target, 0);
    s64 const done = guest.processor().vcpu_call(
        RegisterVcpuInfo, target,
        xen::VcpuRegisterVcpuInfo{
            .gfn = where >> page_shift, .offset = static_cast<u32>(where & page_mask), .reserved = 0});
    if (done == 0 && target == guest.own_id()) guest.info_at = where;
    return done;
}

s64 set_timer(Guest& guest)
{
    return guest.processor().vcpu_call(SetSingleshotTimer, guest.own_id(),
                                       xen::VcpuSetSingleshotTimer{guest.soon(), guest.below(2), 0});
}

template <typename T>
s64 sched(Guest const& guest, xen::SchedCommand command, T request)
{
    return guest.processor().call_with(xen::Hypercall::SchedOp, command, request);
}

/// A timer, or an event, ends the wait. dom0 keeps two vCPUs that never wait, so that something always goes on.
s64 block(Guest& guest)
{
    if (guest.processor().domain().is_control_domain() && guest.own_id() < 2) return -1;
    static_cast<void>(guest.processor().call(xen::Hypercall::SetTimerOp, guest.soon()));
    return guest.processor().call(xen::Hypercall::SchedOp, static_cast<u64>(xen::SchedCommand::Block));
}

s64 poll(Guest& guest)
{
    std::array<u32, 3> const ports{guest.any_port(), guest.any_port(), guest.any_port()};
    u64 const list = guest.processor().page(first_list);
    if (!guest.processor().put(list, ports)) return Processor::no_memory;
    return sched(guest, xen::SchedCommand::Poll,
                 xen::SchedPoll{.ports = {list}, .nr_ports = guest.below(4), .pad = 0, .timeout = guest.soon()});
}

/// What a startup IPI does to a vCPU that is down; it is no hypercall.
s64 start_up(Guest& guest)
{
    if (Vcpu* const target = guest.processor().domain().vcpu(guest.any_vcpu()))
        return target->clear_waiting(WaitReason::Down) ? 0 : -1;
    return -1;
}

/// Rarely, or nobody would be left. Of dom0 it would be the machine's end.
s64 shut_down(Guest& guest)
{
    if (guest.processor().domain().is_control_domain() || !guest.one_in(64)) return -1;
    return sched(guest, xen::SchedCommand::Shutdown, xen::SchedShutdown{guest.below(7)});
}

/// dom0 keeps its last vCPUs, whose end would be the machine's.
s64 go_down(Guest& guest)
{
    u32 const target = guest.any_vcpu();
    if (guest.processor().domain().is_control_domain() && target < 2) return -1;
    return vcpu(guest, Down, target);
}

std::array const actions{
    Action{"vcpu: register_vcpu_info", 4, register_info},
    Action{"vcpu: runstate area", 4,
           [](Guest& guest) {
               u32 const target = guest.any_vcpu();
               xen::VcpuRegisterRunstateMemoryArea const request{{any_area(guest, target, 1)}};
               return guest.processor().vcpu_call(RegisterRunstateMemoryArea, target, request);
           }},
    Action{"vcpu: time area", 4,
           [](Guest& guest) {
               u32 const target = guest.any_vcpu();
               xen::VcpuRegisterTimeMemoryArea const request{{any_area(guest, target, 2)}};
               return guest.processor().vcpu_call(RegisterVcpuTimeMemoryArea, target, request);
           }},
    Action{"vcpu: up", 3, [](Guest& guest) { return vcpu(guest, Up, guest.any_vcpu()); }},
    Action{"vcpu: down", 2, go_down},
    Action{"vcpu: is_up", 1, [](Guest& guest) { return vcpu(guest, IsUp, guest.any_vcpu()); }},
    Action{"vcpu: get_runstate", 1,
           [](Guest& guest) {
               return guest.processor().vcpu_call(GetRunstateInfo, guest.any_vcpu(), xen::RunstateInfo{});
           }},
    Action{"vcpu: set_singleshot_timer", 2, set_timer},
    Action{"vcpu: stop_singleshot_timer", 1,
           [](Guest& guest) { return vcpu(guest, StopSingleshotTimer, guest.own_id()); }},
    Action{"vcpu: send_nmi", 1, [](Guest& guest) { return vcpu(guest, SendNmi, guest.any_vcpu()); }},
    Action{"vcpu: startup IPI", 4, start_up},
    Action{"sched: yield", 2,
           [](Guest& guest) {
               return guest.processor().call(xen::Hypercall::SchedOp, static_cast<u64>(xen::SchedCommand::Yield));
           }},
    Action{"sched: block", 2, block},
    Action{"sched: poll", 2, poll},
    Action{"sched: shutdown", 1, shut_down},
    Action{"set_timer_op", 2,
           [](Guest& guest) {
               return guest.processor().call(xen::Hypercall::SetTimerOp, guest.one_in(4) ? 0 : guest.soon());
           }},
};

}

std::span<Action const> vcpu_actions() { return actions; }

}
