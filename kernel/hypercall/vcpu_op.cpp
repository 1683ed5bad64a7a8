// SPDX-License-Identifier: MIT
/// vcpu_op(command, vcpu, argument). (xen/include/public/vcpu.h; abi.md 3.4.)
#include "kernel/abi/xen/vcpu.hpp"

#include "kernel/domain/domain.hpp"
#include "kernel/domain/para_clock.hpp"
#include "kernel/evtchn/virtual_interrupt.hpp"
#include "kernel/hypercall/guest_memory.hpp"
#include "kernel/hypercall/one_shot_timer.hpp"
#include "kernel/hypercall/table.hpp"
#include "kernel/sched/run_state.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/time/clock.hpp"

namespace hospes {

namespace {

struct VcpuCall {
    Vcpu& caller;
    Vcpu& target;
    u64 argument;
};

/// May the caller say where the target's vcpu_info is? Its own, or that of a vCPU that is off. (xen/common/domain.c:
/// only such callers exist.)
bool may_move_info(VcpuCall const& call)
{
    return &call.caller == &call.target || call.target.waits_for(WaitReason::Down);
}

/// What the guest names by linear address, or nothing: null takes the area away.
Expected<std::optional<GuestArea>> area_at(VcpuCall const& call, u64 address, u64 bytes)
{
    if (address == 0) return std::nullopt;
    auto area = GuestArea::pin(call.caller, Gva{address}, bytes);
    if (!area) return failure(area.error());
    return std::move(*area);
}

Expected<u64> up(VcpuCall& call)
{
    if (!call.target.has_been_up()) return failure(Error::Invalid);
    call.target.clear_waiting(WaitReason::Down);
    return 0;
}

/// Returns when the target is off its CPU. Two vCPUs that stop each other do not wait for each other: the call is
/// run again, and by then one of them is off.
Expected<u64> down(VcpuCall& call)
{
    call.target.set_waiting(WaitReason::Down);
    call.target.domain().vcpu_went_down();
    if (&call.target != &call.caller && scheduler::is_on_cpu(call.target)) return failure(Error::Restart);
    return 0;
}

Expected<u64> is_up(VcpuCall& call) { return call.target.waits_for(WaitReason::Down) ? 0 : 1; }

Expected<u64> get_run_state(VcpuCall& call)
{
    auto const info = run_state::describe(call.target.run_state.read(clock::now()));
    if (auto const copied = copy_out(call.caller, claim_of<xen::RunstateInfo>(call.argument), info); !copied)
        return failure(copied.error());
    return 0;
}

Expected<u64> register_run_state_area(VcpuCall& call)
{
    auto const request = copy_in(call.caller, claim_of<xen::VcpuRegisterRunstateMemoryArea>(call.argument));
    if (!request) return failure(request.error());
    auto area = area_at(call, request->area.address, sizeof(xen::RunstateInfo));
    if (!area) return failure(area.error());
    std::optional<GuestArea> before; // let go without the lock
    auto held = call.target.areas.lock();
    before = held->exchange_run_state(std::move(*area));
    run_state::publish(call.target, *held);
    return 0;
}

Expected<u64> register_time_area(VcpuCall& call)
{
    auto const request = copy_in(call.caller, claim_of<xen::VcpuRegisterTimeMemoryArea>(call.argument));
    if (!request) return failure(request.error());
    auto area = area_at(call, request->area.address, sizeof(xen::VcpuTimeInfo));
    if (!area) return failure(area.error());
    std::optional<GuestArea> before; // let go without the lock
    auto held = call.target.areas.lock();
    before = held->exchange_time(std::move(*area));
    para_clock::publish(call.target, *held);
    return 0;
}

Expected<u64> set_single_shot_timer(VcpuCall& call)
{
    if (&call.target != &call.caller) return failure(Error::Invalid);
    auto const request = copy_in(call.caller, claim_of<xen::VcpuSetSingleshotTimer>(call.argument));
    if (!request) return failure(request.error());
    bool const must_be_future = (request->flags & xen::singleshot_timer_flag::future) != 0;
    if (must_be_future && request->timeout_absolute_ns < clock::now()) return failure(Error::TimeExpired);
    set_one_shot_timer(call.target, request->timeout_absolute_ns);
    return 0;
}

Expected<u64> stop_single_shot_timer(VcpuCall& call)
{
    if (&call.target != &call.caller) return failure(Error::Invalid);
    timers::cancel(call.target.one_shot_timer);
    return 0;
}

/// There never is a periodic timer to stop.
Expected<u64> stop_periodic_timer(VcpuCall&) { return 0; }

Expected<u64> register_vcpu_info(VcpuCall& call)
{
    auto const request = copy_in(call.caller, claim_of<xen::VcpuRegisterVcpuInfo>(call.argument));
    if (!request) return failure(request.error());
    if (request->offset > page_size - sizeof(xen::VcpuInfo) || request->offset % alignof(xen::VcpuInfo) != 0)
        return failure(Error::NoSuchAddress);
    if (!may_move_info(call)) return failure(Error::Invalid);
    auto page = call.target.domain().physmap.reference_own(Gfn{request->gfn});
    if (!page) return failure(Error::Invalid);
    if (auto const registered = call.target.register_info(std::move(*page), request->offset); !registered)
        return failure(registered.error());
    return 0;
}

Expected<u64> send_nmi(VcpuCall& call)
{
    arch::inject_nmi(call.target);
    return 0;
}

struct Row {
    xen::VcpuCommand command;
    Expected<u64> (*handler)(VcpuCall&);
};

using enum xen::VcpuCommand;

/// The frequent ones first.
constexpr std::array rows{
    Row{SetSingleshotTimer, set_single_shot_timer},
    Row{StopSingleshotTimer, stop_single_shot_timer},
    Row{Up, up},
    Row{Down, down},
    Row{IsUp, is_up},
    Row{GetRunstateInfo, get_run_state},
    Row{RegisterRunstateMemoryArea, register_run_state_area},
    Row{StopPeriodicTimer, stop_periodic_timer},
    Row{RegisterVcpuInfo, register_vcpu_info},
    Row{SendNmi, send_nmi},
    Row{GetPhysid, [](VcpuCall&) -> Expected<u64> { return failure(Error::Invalid); }},
    Row{RegisterVcpuTimeMemoryArea, register_time_area},
};

}

Expected<u64> vcpu_op(Vcpu& caller, HypercallArguments& arguments)
{
    Vcpu* const target = arguments[1] <= ~u32{0} ? caller.domain().vcpu(static_cast<u32>(arguments[1])) : nullptr;
    if (!target) return failure(Error::NotFound);
    VcpuCall call{caller, *target, arguments[2]};
    for (Row const& row : rows)
        if (row.command == static_cast<xen::VcpuCommand>(arguments[0])) return row.handler(call);
    return failure(Error::NotImplemented);
}

}
