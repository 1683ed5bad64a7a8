// SPDX-License-Identifier: MIT
/// event_channel_op(command, argument). (xen/include/public/event_channel.h; abi.md 3.3.)
#include "kernel/abi/xen/event_channel.hpp"

#include "kernel/domain/domain.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/hypercall/guest_memory.hpp"
#include "kernel/hypercall/table.hpp"

namespace hospes {

namespace {

/// Any domain may learn that another does not exist, but only the control domain may act on one.
Expected<DomainReference> target_of(Vcpu const& caller, xen::DomainId id)
{
    Domain& own = caller.domain();
    if (id == xen::domid_self || id == own.id()) return DomainReference{own};
    auto found = domains::find(id);
    if (found && !own.is_control_domain()) return failure(Error::NotPermitted);
    return found;
}

xen::DomainId real_id(Vcpu const& caller, xen::DomainId id)
{
    return id == xen::domid_self ? caller.domain().id() : id;
}

/// Puts a new port's number where the guest will find it.
Expected<> answer(Expected<xen::EventPort> const& made, xen::EventPort& out)
{
    if (!made) return failure(made.error());
    out = *made;
    return {};
}

Expected<> alloc_unbound(Vcpu& caller, xen::EventAllocUnbound& request)
{
    auto const domain = target_of(caller, request.domain);
    if (!domain) return failure(domain.error());
    return answer((*domain)->event_channels.alloc_unbound(real_id(caller, request.remote_domain)), request.port);
}

/// No privilege needed: the remote port names who may bind to it.
Expected<> bind_interdomain(Vcpu& caller, xen::EventBindInterdomain& request)
{
    auto const remote = domains::find(real_id(caller, request.remote_domain));
    if (!remote) return failure(remote.error());
    return answer(caller.domain().event_channels.bind_interdomain(**remote, request.remote_port), request.local_port);
}

Expected<> bind_virq(Vcpu& caller, xen::EventBindVirq& request)
{
    return answer(caller.domain().event_channels.bind_virq(xen::VirtualInterrupt{request.virq}, request.vcpu),
                  request.port);
}

Expected<> bind_ipi(Vcpu& caller, xen::EventBindIpi& request)
{
    return answer(caller.domain().event_channels.bind_ipi(request.vcpu), request.port);
}

/// There are no physical interrupts to bind: a PVH guest gets those through its interrupt controller.
Expected<> bind_pirq(Vcpu&, xen::EventBindPirq&) { return failure(Error::Invalid); }

Expected<> close(Vcpu& caller, xen::EventClose& request) { return caller.domain().event_channels.close(request.port); }

Expected<> send(Vcpu& caller, xen::EventSend& request) { return caller.domain().event_channels.send(request.port); }

Expected<> unmask(Vcpu& caller, xen::EventUnmask& request)
{
    return caller.domain().event_channels.unmask(request.port);
}

Expected<> bind_vcpu(Vcpu& caller, xen::EventBindVcpu& request)
{
    return caller.domain().event_channels.bind_vcpu(request.port, request.vcpu);
}

Expected<> status(Vcpu& caller, xen::EventStatus& request)
{
    auto const domain = target_of(caller, request.domain);
    if (!domain) return failure(domain.error());
    auto answer = (*domain)->event_channels.status(request.port);
    if (!answer) return failure(answer.error());
    answer->domain = request.domain;
    answer->port = request.port;
    request = *answer;
    return {};
}

/// Of another domain only while that is paused (xen/common/event_channel.c, evtchn_reset).
Expected<> reset(Vcpu& caller, xen::EventReset& request)
{
    auto const domain = target_of(caller, request.domain);
    if (!domain) return failure(domain.error());
    if (&**domain != &caller.domain() && (*domain)->control.lock()->pause_count == 0) return failure(Error::Invalid);
    if (!(*domain)->event_channels.reset(caller.budget)) return failure(Error::Restart);
    return {};
}

using Runner = Expected<u64> (*)(Vcpu&, u64 argument);

/// A command that answers by its result alone.
template <auto operation, typename Request>
Expected<u64> run(Vcpu& caller, u64 argument)
{
    auto request = copy_in(caller, claim_of<Request>(argument));
    if (!request) return failure(request.error());
    if (auto const done = operation(caller, *request); !done) return failure(done.error());
    return 0;
}

/// A command that also answers in its structure.
template <auto operation, typename Request>
Expected<u64> run_and_answer(Vcpu& caller, u64 argument)
{
    auto request = copy_in(caller, claim_of<Request>(argument));
    if (!request) return failure(request.error());
    if (auto const done = operation(caller, *request); !done) return failure(done.error());
    if (auto const copied = copy_out(caller, claim_of<Request>(argument), *request); !copied)
        return failure(copied.error());
    return 0;
}

struct Row {
    xen::EventChannelCommand command;
    Runner runner;
};

using enum xen::EventChannelCommand;

/// The frequent ones first. The commands of the FIFO ABI are not here: a guest that is refused them uses the two-level
/// ABI (design.md D14).
constexpr std::array rows{
    Row{Send, run<send, xen::EventSend>},
    Row{Unmask, run<unmask, xen::EventUnmask>},
    Row{BindInterdomain, run_and_answer<bind_interdomain, xen::EventBindInterdomain>},
    Row{BindVirq, run_and_answer<bind_virq, xen::EventBindVirq>},
    Row{BindPirq, run<bind_pirq, xen::EventBindPirq>},
    Row{Close, run<close, xen::EventClose>},
    Row{Status, run_and_answer<status, xen::EventStatus>},
    Row{AllocUnbound, run_and_answer<alloc_unbound, xen::EventAllocUnbound>},
    Row{BindIpi, run_and_answer<bind_ipi, xen::EventBindIpi>},
    Row{BindVcpu, run<bind_vcpu, xen::EventBindVcpu>},
    Row{Reset, run<reset, xen::EventReset>},
};

}

Expected<u64> event_channel_op(Vcpu& caller, HypercallArguments& arguments)
{
    auto const command = static_cast<xen::EventChannelCommand>(arguments[0]);
    for (Row const& row : rows)
        if (row.command == command) return row.runner(caller, arguments[1]);
    return failure(Error::NotImplemented);
}

}
