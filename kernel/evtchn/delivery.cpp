// SPDX-License-Identifier: MIT
/// From an event to the vCPU that hears it: the hot path.
#include "kernel/domain/domain.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/evtchn/two_level.hpp"
#include "kernel/evtchn/virtual_interrupt.hpp"

namespace hospes {

TwoLevelEvents<> EventChannels::shared_events() const
{
    return TwoLevelEvents<>{*domain_.shared_info(), domain_.has_narrow_shared_info()};
}

/// Points the port's vCPU at it. A vCPU without vcpu_info finds its events when it registers one.
void EventChannels::notify(xen::EventPort number)
{
    Vcpu* const vcpu = domain_.vcpu(ports_.find(number)->vcpu.load(std::memory_order_seq_cst));
    if (!vcpu) return;
    xen::VcpuInfo* const info = vcpu->info();
    if (info && TwoLevelEvents<>::select(*info, number, domain_.has_narrow_shared_info())) arch::raise_upcall(*vcpu);
}

/// SCHEDOP_poll waits for pending bits, masked or not. The poller sets its reason first and then looks at the bits; the
/// bit here was set by a locked instruction, so one of the two sees the other.
void EventChannels::wake_pollers(xen::EventPort number)
{
    for (auto const& vcpu : domain_.vcpus()) {
        if (!vcpu->waits_for(WaitReason::Polling)) continue;
        u32 const polled = vcpu->polled_port.load(std::memory_order_acquire);
        if (polled == number || polled == Vcpu::several_ports) vcpu->clear_waiting(WaitReason::Polling);
    }
}

/// The caller holds the lock of this port, of its peer, or of the domain: the port stays what it is.
void EventChannels::raise(xen::EventPort number)
{
    if (shared_events().raise(number, [&] { notify(number); })) wake_pollers(number);
}

Expected<> EventChannels::send(xen::EventPort number)
{
    Port* const port = ports_.find(number);
    if (!port) return failure(Error::Invalid);
    LockGuard const guard{port->lock};
    PortConnection const& connection = port->connection;
    switch (connection.state) {
    case PortState::Interdomain: connection.remote->event_channels.raise(connection.remote_port); return {};
    case PortState::Ipi: raise(number); return {};
    case PortState::Unbound: return {};
    case PortState::Free:
    case PortState::Virq: break;
    }
    return failure(Error::Invalid);
}

Expected<> EventChannels::unmask(xen::EventPort number)
{
    Port* const port = ports_.find(number);
    if (!port) return failure(Error::Invalid);
    LockGuard const guard{port->lock};
    if (port->connection.state == PortState::Free) return failure(Error::Invalid);
    shared_events().unmask(number, [&] { notify(number); });
    return {};
}

bool EventChannels::is_pending(xen::EventPort number) const
{
    return exists(number) && shared_events().is_pending(number);
}

bool EventChannels::is_masked(xen::EventPort number) const
{
    return exists(number) && shared_events().is_masked(number);
}

void EventChannels::raise_line(Vcpu& vcpu, xen::VirtualInterrupt line)
{
    u16 const number = vcpu.virq_ports[static_cast<u32>(line)].load(std::memory_order_acquire);
    if (number == 0) return;
    Port& port = *ports_.find(number);
    LockGuard const guard{port.lock};
    // The port may have been closed since it was looked up, and be something else by now.
    if (port.connection.state != PortState::Virq || port.connection.line != line) return;
    if (is_per_vcpu(line) && port.vcpu.load(std::memory_order_relaxed) != vcpu.id()) return;
    raise(number);
}

void raise_virq(Vcpu& vcpu, VirtualInterrupt line) { vcpu.domain().event_channels.raise_line(vcpu, line); }

void raise_global_virq(VirtualInterrupt line)
{
    Domain* const control_domain = domains::control_domain();
    Vcpu* const first = control_domain ? control_domain->vcpu(0) : nullptr;
    if (first) control_domain->event_channels.raise_line(*first, line);
}

}
