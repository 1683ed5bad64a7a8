// SPDX-License-Identifier: MIT
/// event_channel_op(command, argument). (xen/include/public/event_channel.h; abi.md 3.3.)
#include "kernel/abi/xen/event_channel.hpp"

#include "kernel/domain/domain.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/hypercall/command_table.hpp"

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
Expected<> bind_pirq(Vcpu&, xen::EventBindPirq const&) { return failure(Error::Invalid); }

Expected<> close(Vcpu& caller, xen::EventClose const& request)
{
    return caller.domain().event_channels.close(request.port);
}

Expected<> send(Vcpu& caller, xen::EventSend const& request)
{
    return caller.domain().event_channels.send(request.port);
}

Expected<> unmask(Vcpu& caller, xen::EventUnmask const& request)
{
    return caller.domain().event_channels.unmask(request.port);
}

Expected<> bind_vcpu(Vcpu& caller, xen::EventBindVcpu const& request)
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
Expected<> reset(Vcpu& caller, xen::EventReset const& request)
{
    auto const domain = target_of(caller, request.domain);
    if (!domain) return failure(domain.error());
    if (&**domain != &caller.domain() && (*domain)->control.lock()->pause_count == 0) return failure(Error::Invalid);
    if (!(*domain)->event_channels.reset(caller.budget)) return failure(Error::Restart);
    return {};
}

/// What the guest does with the page meanwhile hurts only itself.
Expected<OwnRam> own_page(Vcpu const& caller, u64 gfn)
{
    auto page = caller.domain().physmap.reference_own(Gfn{gfn});
    if (!page) return failure(Error::Invalid);
    return page;
}

Expected<> init_control(Vcpu& caller, xen::EventInitControl& request)
{
    if (!caller.domain().vcpu(request.vcpu)) return failure(Error::NotFound);
    auto page = own_page(caller, request.control_gfn);
    if (!page) return failure(page.error());
    request.link_bits = xen::event_fifo_link_bits;
    return caller.domain().event_channels.init_control(request.vcpu, std::move(*page), request.offset);
}

Expected<> expand_array(Vcpu& caller, xen::EventExpandArray const& request)
{
    if (!caller.domain().event_channels.uses_fifo()) return failure(Error::NotSupported);
    auto page = own_page(caller, request.array_gfn);
    if (!page) return failure(page.error());
    return caller.domain().event_channels.expand_array(std::move(*page), caller.budget);
}

Expected<> set_priority(Vcpu& caller, xen::EventSetPriority const& request)
{
    return caller.domain().event_channels.set_priority(request.port, request.priority);
}

using enum xen::EventChannelCommand;

constexpr std::array rows{
    CommandRow{BindInterdomain, answering<bind_interdomain>},
    CommandRow{BindVirq, answering<bind_virq>},
    CommandRow{BindPirq, taking<bind_pirq>},
    CommandRow{Close, taking<close>},
    CommandRow{Send, taking<send>},
    CommandRow{Status, answering<status>},
    CommandRow{AllocUnbound, answering<alloc_unbound>},
    CommandRow{BindIpi, answering<bind_ipi>},
    CommandRow{BindVcpu, taking<bind_vcpu>},
    CommandRow{Unmask, taking<unmask>},
    CommandRow{Reset, taking<reset>},
    CommandRow{InitControl, answering<init_control>},
    CommandRow{ExpandArray, taking<expand_array>},
    CommandRow{SetPriority, taking<set_priority>},
};
constexpr auto commands = command_table<rows>();

}

Expected<u64> event_channel_op(Vcpu& caller, HypercallArguments& arguments)
{
    return run_command(commands.find(static_cast<u32>(arguments[0])), caller, caller, arguments[1]);
}

}
