// SPDX-License-Identifier: MIT
/// From an event to the vCPU that hears it: the hot path.
#include "kernel/domain/domain.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/evtchn/fifo_pages.hpp"
#include "kernel/evtchn/two_level.hpp"
#include "kernel/evtchn/virtual_interrupt.hpp"

namespace hospes {

TwoLevelEvents<> EventChannels::shared_events() const
{
    return TwoLevelEvents<>{*domain_.shared_info(), domain_.has_narrow_shared_info()};
}

/// Points the port's vCPU at it. A vCPU without vcpu_info finds its events when it registers one.
void EventChannels::select(xen::EventPort number, Port const& port)
{
    Vcpu* const vcpu = domain_.vcpu(port.vcpu.load(std::memory_order_seq_cst));
    if (!vcpu) return;
    xen::VcpuInfo* const info = vcpu->info();
    if (info && TwoLevelEvents<>::select(*info, number, domain_.has_narrow_shared_info())) arch::raise_upcall(*vcpu);
}

/// The same for a vCPU whose queues say the rest.
void EventChannels::give_upcall(u32 id)
{
    Vcpu* const vcpu = domain_.vcpu(id);
    if (!vcpu) return;
    xen::VcpuInfo* const info = vcpu->info();
    if (info && AtomicWords::exchange(info->event_upcall_pending, 1) == 0) arch::raise_upcall(*vcpu);
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

[[gnu::always_inline]] inline bool EventChannels::raise_two_level(xen::EventPort number, Port& port)
{
    bool const fresh = shared_events().raise(number, [&] { select(number, port); });
    // Who changes the ABI looks for pending bits later (revive_one); one of the two sees the other.
    if (!fresh) return false;
    FifoPages* const fifo = fifo_.load(std::memory_order_seq_cst);
    if (fifo) [[unlikely]]
        static_cast<void>(raise_fifo(*fifo, number, port));
    return true;
}

[[gnu::noinline]] bool EventChannels::raise_fifo(FifoPages& fifo, xen::EventPort number, Port& port)
{
    return fifo.events.raise(
        number, port.fifo, [&] { return port.vcpu.load(std::memory_order_relaxed); },
        [&](u32 vcpu) { give_upcall(vcpu); });
}

/// The caller holds the lock of this port, of its peer, or of the domain: the port stays what it is.
void EventChannels::raise(xen::EventPort number, Port& port)
{
    FifoPages* const fifo = fifo_.load(std::memory_order_acquire);
    if (fifo) [[unlikely]] {
        if (raise_fifo(*fifo, number, port)) wake_pollers(number);
    } else if (raise_two_level(number, port)) {
        wake_pollers(number);
    }
}

Expected<> EventChannels::send(xen::EventPort number)
{
    Port* const port = ports_.find(number);
    if (!port) return failure(Error::Invalid);
    LockGuard const guard{port->lock};
    PortConnection const& connection = port->connection;
    switch (connection.state) {
    case PortState::Interdomain: {
        EventChannels& other = connection.remote->event_channels;
        other.raise(connection.remote_port, *other.ports_.find(connection.remote_port));
        return {};
    }
    case PortState::Ipi: raise(number, *port); return {};
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
    if (FifoPages* const fifo = fifo_.load(std::memory_order_acquire))
        fifo->events.unmask(
            number, port->fifo, [&] { return port->vcpu.load(std::memory_order_relaxed); },
            [&](u32 vcpu) { give_upcall(vcpu); });
    else
        shared_events().unmask(number, [&] { select(number, *port); });
    return {};
}

/// An event that is in a queue already stays there, and the guest looks there, whatever the port's vCPU is.
void EventChannels::tell_new_vcpu(xen::EventPort number, Port const& port)
{
    if (!uses_fifo()) shared_events().moved(number, [&] { select(number, port); });
}

/// Under the domain's lock; nobody can raise it. What another ABI left behind must not come back either.
void EventChannels::forget_pending(xen::EventPort number, Port& port)
{
    if (FifoPages* const fifo = fifo_.load(std::memory_order_relaxed)) fifo->events.clear_pending(number, port.fifo);
    if (number < xen::event_two_level_channels) shared_events().clear_pending(number);
}

/// The port's lock keeps the ABI what it is, as long as the port is in use.
template <typename Look>
bool EventChannels::look_at(xen::EventPort number, Look look)
{
    Port* const port = ports_.find(number);
    if (!port) return false;
    LockGuard const guard{port->lock};
    if (port->connection.state == PortState::Free) return false;
    return look(*port, fifo_.load(std::memory_order_acquire));
}

bool EventChannels::is_pending(xen::EventPort number)
{
    return look_at(number, [&](Port const& port, FifoPages const* fifo) {
        return fifo ? fifo->events.is_pending(number, port.fifo) : shared_events().is_pending(number);
    });
}

bool EventChannels::is_masked(xen::EventPort number)
{
    return look_at(number, [&](Port const&, FifoPages const* fifo) {
        return fifo ? fifo->events.is_masked(number) : shared_events().is_masked(number);
    });
}

void EventChannels::raise_line(Vcpu& vcpu, xen::VirtualInterrupt line)
{
    xen::EventPort const number = vcpu.virq_ports[static_cast<u32>(line)].load(std::memory_order_acquire);
    if (number == 0) return;
    Port& port = *ports_.find(number);
    LockGuard const guard{port.lock};
    // The port may have been closed since it was looked up, and be something else by now.
    if (port.connection.state != PortState::Virq || port.connection.line != line) return;
    if (is_per_vcpu(line) && port.vcpu.load(std::memory_order_relaxed) != vcpu.id()) return;
    raise(number, port);
}

void raise_virq(Vcpu& vcpu, VirtualInterrupt line) { vcpu.domain().event_channels.raise_line(vcpu, line); }

void raise_global_virq(VirtualInterrupt line)
{
    Domain* const control_domain = domains::control_domain();
    Vcpu* const first = control_domain ? control_domain->vcpu(0) : nullptr;
    if (first) control_domain->event_channels.raise_line(*first, line);
}

}
