// SPDX-License-Identifier: MIT
/// sched_op(command, argument). (xen/include/public/sched.h; abi.md 3.5.)
#include "kernel/abi/xen/sched.hpp"

#include "kernel/domain/domain.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/hypercall/guest_memory.hpp"
#include "kernel/hypercall/table.hpp"
#include "kernel/sched/scheduler.hpp"

namespace hospes {

namespace {

constexpr u32 most_polled_ports = 128;
constexpr u32 several_ports = ~u32{0};

Expected<u64> yield(Vcpu& caller, u64)
{
    scheduler::yield(caller);
    return 0;
}

Expected<u64> block(Vcpu& caller, u64)
{
    caller.set_waiting(WaitReason::Halted);
    if (arch::has_deliverable_event(caller)) caller.clear_waiting(WaitReason::Halted);
    return 0;
}

Expected<u64> shutdown(Vcpu& caller, u64 argument)
{
    auto const request = copy_in(caller, claim_of<xen::SchedShutdown>(argument));
    if (!request) return failure(request.error());
    if (request->reason > xen::shutdown_reason_max) return failure(Error::Invalid);
    caller.domain().shut_down(static_cast<ShutdownReason>(request->reason));
    return 0;
}

using Ports = StaticVector<u32, most_polled_ports>;

bool any_pending(Vcpu& caller, Ports const& ports)
{
    for (u32 port : ports)
        if (caller.domain().event_channels.is_pending(port)) return true;
    return false;
}

/// Waits until one of the ports is pending, an event can be delivered, or the time has come.
Expected<u64> poll(Vcpu& caller, u64 argument)
{
    auto const request = copy_in(caller, claim_of<xen::SchedPoll>(argument));
    if (!request) return failure(request.error());
    if (request->nr_ports > most_polled_ports) return failure(Error::Invalid);
    Ports ports;
    for (u32 i = 0; i < request->nr_ports; ++i) {
        auto const port = copy_in(caller, request->ports, i);
        if (!port) return failure(port.error());
        if (*port > caller.domain().configuration().max_event_port || !ports.push_back(*port))
            return failure(Error::Invalid);
    }
    timers::cancel(caller.poll_timer);
    caller.polled_port.store(ports.size() == 1 ? ports[0] : several_ports, std::memory_order_release);
    caller.set_waiting(WaitReason::Polling);
    // From here on an event ends the wait; one that came before is found now.
    if (any_pending(caller, ports) || arch::has_deliverable_event(caller)) {
        caller.clear_waiting(WaitReason::Polling);
        return 0;
    }
    if (request->timeout != 0) timers::set(caller.poll_timer, arch::this_cpu(), request->timeout);
    return 0;
}

Expected<u64> remote_shutdown(Vcpu& caller, u64 argument)
{
    auto const request = copy_in(caller, claim_of<xen::SchedRemoteShutdown>(argument));
    if (!request) return failure(request.error());
    if (request->reason > xen::shutdown_reason_max) return failure(Error::Invalid);
    if (!caller.domain().is_control_domain()) return failure(Error::NotPermitted);
    auto const domain = domains::find(request->domain);
    if (!domain) return failure(domain.error());
    (*domain)->shut_down(static_cast<ShutdownReason>(request->reason));
    return 0;
}

struct Row {
    xen::SchedCommand command;
    Expected<u64> (*handler)(Vcpu& caller, u64 argument);
};

using enum xen::SchedCommand;

constexpr std::array rows{
    Row{Yield, yield},
    Row{Block, block},
    Row{Shutdown, shutdown},
    Row{Poll, poll},
    Row{RemoteShutdown, remote_shutdown},
};

}

Expected<u64> sched_op(Vcpu& caller, HypercallArguments& arguments)
{
    for (Row const& row : rows)
        if (row.command == static_cast<xen::SchedCommand>(arguments[0])) return row.handler(caller, arguments[1]);
    return failure(Error::NotImplemented);
}

}
