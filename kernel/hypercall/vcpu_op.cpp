// SPDX-License-Identifier: MIT
/// vcpu_op(command, vcpu, argument). (xen/include/public/vcpu.h; abi.md 3.4.)
#include "kernel/abi/xen/vcpu.hpp"

#include "kernel/abi/compat/shared_info.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/domain/para_clock.hpp"
#include "kernel/evtchn/virtual_interrupt.hpp"
#include "kernel/hypercall/command_table.hpp"
#include "kernel/hypercall/one_shot_timer.hpp"
#include "kernel/sched/run_state.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/time/clock.hpp"

namespace hospes {

namespace {

struct VcpuCall {
    Vcpu& caller;
    Vcpu& target;
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

Expected<> up(VcpuCall& call)
{
    if (!call.target.has_been_up()) return failure(Error::Invalid);
    call.target.clear_waiting(WaitReason::Down);
    return {};
}

/// Returns when the target is off its CPU. Two vCPUs that stop each other do not wait for each other: the call is
/// run again, and by then one of them is off.
Expected<> down(VcpuCall& call)
{
    call.target.set_waiting(WaitReason::Down);
    call.target.domain().vcpu_went_down();
    if (&call.target != &call.caller && scheduler::is_on_cpu(call.target)) return failure(Error::Restart);
    return {};
}

Expected<u64> is_up(VcpuCall& call) { return call.target.waits_for(WaitReason::Down) ? 0 : 1; }

Expected<> get_run_state(VcpuCall& call, xen::RunstateInfo& answer)
{
    answer = run_state::describe(call.target.run_state.read(clock::now()));
    return {};
}

Expected<> register_run_state_area(VcpuCall& call, xen::VcpuRegisterRunstateMemoryArea const& request)
{
    bool const is_narrow = call.target.domain().has_narrow_shared_info();
    auto area =
        area_at(call, request.area.address, is_narrow ? sizeof(compat::RunstateInfo) : sizeof(xen::RunstateInfo));
    if (!area) return failure(area.error());
    std::optional<GuestArea> before; // let go without the lock
    auto held = call.target.areas.lock();
    before = held->exchange_run_state(std::move(*area));
    run_state::publish(call.target, *held);
    return {};
}

Expected<> register_time_area(VcpuCall& call, xen::VcpuRegisterTimeMemoryArea const& request)
{
    auto area = area_at(call, request.area.address, sizeof(xen::VcpuTimeInfo));
    if (!area) return failure(area.error());
    std::optional<GuestArea> before; // let go without the lock
    auto held = call.target.areas.lock();
    before = held->exchange_time(std::move(*area));
    para_clock::publish(call.target, *held);
    return {};
}

Expected<> set_single_shot_timer(VcpuCall& call, xen::VcpuSetSingleshotTimer const& request)
{
    bool const must_be_future = (request.flags & xen::singleshot_timer_flag::future) != 0;
    if (must_be_future && request.timeout_absolute_ns < clock::now()) return failure(Error::TimeExpired);
    set_one_shot_timer(call.target, request.timeout_absolute_ns);
    return {};
}

Expected<> stop_single_shot_timer(VcpuCall& call)
{
    timers::cancel(call.target.one_shot_timer);
    return {};
}

/// There never is a periodic timer to stop.
Expected<> stop_periodic_timer(VcpuCall&) { return {}; }

Expected<> register_vcpu_info(VcpuCall& call, xen::VcpuRegisterVcpuInfo const& request)
{
    if (request.offset > page_size - sizeof(xen::VcpuInfo) || request.offset % alignof(xen::VcpuInfo) != 0)
        return failure(Error::NoSuchAddress);
    if (!may_move_info(call)) return failure(Error::Invalid);
    auto page = call.target.domain().physmap.reference_own(Gfn{request.gfn});
    if (!page) return failure(Error::Invalid);
    return call.target.register_info(std::move(*page), request.offset);
}

Expected<> send_nmi(VcpuCall& call)
{
    arch::inject_nmi(call.target);
    return {};
}

/// No guest may know which CPU it is on.
Expected<> get_physical_id(VcpuCall&) { return failure(Error::Invalid); }

/// Which vCPU a command may be about; any other is Invalid.
enum class About : u8 { AnyOfTheDomain, TheCaller };

struct Row : CommandRow<VcpuCall> {
    About about = About::AnyOfTheDomain;
};

using enum xen::VcpuCommand;

constexpr std::array rows{
    Row{{Up, plain<up>}},
    Row{{Down, plain<down>}},
    Row{{IsUp, plain<is_up>}},
    Row{{GetRunstateInfo, telling<get_run_state>}},
    Row{{RegisterRunstateMemoryArea, taking<register_run_state_area>}},
    Row{{StopPeriodicTimer, plain<stop_periodic_timer>}},
    Row{{SetSingleshotTimer, taking<set_single_shot_timer>}, About::TheCaller},
    Row{{StopSingleshotTimer, plain<stop_single_shot_timer>}, About::TheCaller},
    Row{{RegisterVcpuInfo, taking<register_vcpu_info>}},
    Row{{SendNmi, plain<send_nmi>}},
    Row{{GetPhysid, plain<get_physical_id>}},
    Row{{RegisterVcpuTimeMemoryArea, taking<register_time_area>}},
};
constexpr auto commands = command_table<rows>();

}

Expected<u64> vcpu_op(Vcpu& caller, HypercallArguments& arguments)
{
    Vcpu* const target = arguments[1] <= ~u32{0} ? caller.domain().vcpu(static_cast<u32>(arguments[1])) : nullptr;
    if (!target) return refused(Error::NotFound);
    Row const* const row = commands.find(static_cast<u32>(arguments[0]));
    if (row && row->about == About::TheCaller && target != &caller) return refused(Error::Invalid);
    VcpuCall call{caller, *target};
    return run_command(row, caller, call, arguments[2]);
}

}
