// SPDX-License-Identifier: MIT
/// sched_op(command, argument). (xen/include/public/sched.h; abi.md 3.5.)
#include "kernel/abi/xen/sched.hpp"

#include "kernel/domain/domain.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/hypercall/command_table.hpp"
#include "kernel/hypercall/guest_memory.hpp"
#include "kernel/sched/scheduler.hpp"

namespace hospes {

namespace {

constexpr u32 most_polled_ports = 128;

Expected<> yield(Vcpu& caller)
{
    scheduler::yield(caller);
    return {};
}

Expected<> block(Vcpu& caller)
{
    caller.set_waiting(WaitReason::Halted);
    if (arch::has_deliverable_event(caller)) caller.clear_waiting(WaitReason::Halted);
    return {};
}

Expected<> shutdown(Vcpu& caller, xen::SchedShutdown const& request)
{
    if (request.reason > xen::shutdown_reason_max) return failure(Error::Invalid);
    auto const reason = static_cast<ShutdownReason>(request.reason);
    if (reason == ShutdownReason::Crash) arch::log_end(caller, "says that its system has crashed");
    caller.domain().shut_down(reason);
    return {};
}

using Ports = StaticVector<u32, most_polled_ports>;

bool any_pending(Vcpu& caller, Ports const& ports)
{
    for (u32 port : ports)
        if (caller.domain().event_channels.is_pending(port)) return true;
    return false;
}

/// Waits until one of the ports is pending, an event can be delivered, or the time has come.
Expected<> poll(Vcpu& caller, xen::SchedPoll const& request)
{
    if (request.nr_ports > most_polled_ports) return failure(Error::Invalid);
    Ports ports;
    for (u32 i = 0; i < request.nr_ports; ++i) {
        auto const port = copy_in(caller, request.ports, i);
        if (!port) return failure(port.error());
        if (*port > caller.domain().event_channels.highest_port() || !ports.push_back(*port))
            return failure(Error::Invalid);
    }
    timers::cancel(caller.poll_timer);
    caller.polled_port.store(ports.size() == 1 ? ports[0] : Vcpu::several_ports, std::memory_order_release);
    caller.set_waiting(WaitReason::Polling);
    // From here on an event ends the wait; one that came before is found now.
    if (any_pending(caller, ports) || arch::has_deliverable_event(caller)) {
        caller.clear_waiting(WaitReason::Polling);
        return {};
    }
    if (request.timeout != 0) timers::set(caller.poll_timer, arch::this_cpu(), request.timeout);
    return {};
}

/// A bad reason is Invalid for everybody; only then is it asked who may.
Expected<> remote_shutdown(Vcpu& caller, xen::SchedRemoteShutdown const& request)
{
    if (request.reason > xen::shutdown_reason_max) return failure(Error::Invalid);
    if (!caller.domain().is_control_domain()) return failure(Error::NotPermitted);
    auto const domain = domains::find(request.domain);
    if (!domain) return failure(domain.error());
    (*domain)->shut_down(static_cast<ShutdownReason>(request.reason));
    return {};
}

/// As Xen: one that is new with a time of 0 has expired at once. (xen/common/sched/core.c, domain_watchdog.)
Expected<u64> watchdog(Vcpu& caller, xen::SchedWatchdog const& request)
{
    Watchdogs& watchdogs = caller.domain().watchdogs;
    if (request.id == 0) return watchdogs.take(request.timeout);
    if (auto const set = watchdogs.set(request.id, request.timeout); !set) return failure(set.error());
    return 0;
}

using enum xen::SchedCommand;

constexpr std::array rows{
    CommandRow{Yield, plain<yield>},
    CommandRow{Block, plain<block>},
    CommandRow{Shutdown, taking<shutdown>},
    CommandRow{Poll, taking<poll>},
    CommandRow{RemoteShutdown, taking<remote_shutdown>},
    CommandRow{Watchdog, taking<watchdog>},
};
constexpr auto commands = command_table<rows>();

}

Expected<u64> sched_op(Vcpu& caller, HypercallArguments& arguments)
{
    return run_command(commands.find(static_cast<u32>(arguments[0])), caller, caller, arguments[1]);
}

}
