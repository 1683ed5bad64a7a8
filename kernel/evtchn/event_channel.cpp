// SPDX-License-Identifier: MIT
/// Binding, moving and closing ports. Sending is in delivery.cpp.
#include "kernel/evtchn/event_channel.hpp"

#include <algorithm>

#include "kernel/domain/domain.hpp"
#include "kernel/domain/domain_reference.hpp"
#include "kernel/evtchn/fifo_pages.hpp"
#include "kernel/evtchn/two_level.hpp"
#include "kernel/evtchn/virtual_interrupt.hpp"

namespace hospes {

/// Both domains' locks, or the one if they are the same.
class [[nodiscard]] EventChannels::PairLock {
public:
    PairLock(EventChannels& a, EventChannels& b)
        : first_{a.domain_.id() <= b.domain_.id() ? a : b}, second_{&first_ == &a ? b : a}
    {
        first_.lock_.lock();
        if (&second_ != &first_) second_.lock_.lock();
    }
    ~PairLock()
    {
        if (&second_ != &first_) second_.lock_.unlock();
        first_.lock_.unlock();
    }
    PairLock(PairLock const&) = delete;
    PairLock& operator=(PairLock const&) = delete;

private:
    EventChannels& first_;
    EventChannels& second_;
};

EventChannels::EventChannels(Domain& domain) : domain_{domain} {}
EventChannels::~EventChannels() = default;

xen::EventPort EventChannels::highest_port() const
{
    u32 const two_level = domain_.has_narrow_shared_info() ? compat::event_channels : xen::event_two_level_channels;
    u32 const reach = fifo_.load(std::memory_order_relaxed) ? xen::event_fifo_channels : two_level;
    return std::min(domain_.configuration().max_event_port, reach - 1);
}

u64 EventChannels::most_overhead(DomainConfiguration const& configuration)
{
    return PortTable::most_overhead(configuration.max_event_port) + FifoPages::most_overhead(configuration.max_vcpus);
}

void EventChannels::connect(Port& port, PortConnection const& connection)
{
    LockGuard const guard{port.lock};
    port.connection = connection;
}

Expected<xen::EventPort> EventChannels::take_port(PortConnection const& connection, u32 vcpu)
{
    if (closed_) return failure(Error::Invalid);
    FifoPages const* const fifo = fifo_.load(std::memory_order_relaxed);
    // One that is still in a queue would be heard where the guest last wanted to hear it.
    auto const number = ports_.take(highest_port(), domain_.quota,
                                    [&](xen::EventPort free) { return fifo && fifo->events.is_linked(free); });
    if (!number) return number;
    Port& port = *ports_.find(*number);
    port.vcpu.store(vcpu, std::memory_order_relaxed);
    port.fifo.priority.store(xen::event_fifo_priority_default, std::memory_order_relaxed);
    connect(port, connection);
    return number;
}

Expected<xen::EventPort> EventChannels::alloc_unbound(xen::DomainId remote)
{
    LockGuard const guard{lock_};
    return take_port({.state = PortState::Unbound, .remote_domain = remote}, 0);
}

Expected<xen::EventPort> EventChannels::bind_interdomain(Domain& remote, xen::EventPort remote_port)
{
    EventChannels& other = remote.event_channels;
    PairLock const guard{*this, other};
    // A port that was connected to a domain that has closed its own for good would stay so.
    if (other.closed_) return failure(Error::Invalid);
    Port* const end = other.ports_.find(remote_port);
    if (!end || end->connection.state != PortState::Unbound || end->connection.remote_domain != domain_.id())
        return failure(Error::Invalid);
    auto const number = take_port({.state = PortState::Interdomain, .remote_port = remote_port, .remote = &remote}, 0);
    if (!number) return number;
    connect(*end, {.state = PortState::Interdomain, .remote_port = *number, .remote = &domain_});
    // What the other end sent while nobody was there must not be missed (abi.md 3.3).
    raise(*number, *ports_.find(*number));
    return number;
}

Expected<xen::EventPort> EventChannels::bind_virq(xen::VirtualInterrupt line, u32 vcpu_id)
{
    if (static_cast<u32>(line) >= xen::nr_virtual_interrupts) return failure(Error::Invalid);
    if (!is_per_vcpu(line) && vcpu_id != 0) return failure(Error::Invalid);
    Vcpu* const vcpu = domain_.vcpu(vcpu_id);
    if (!vcpu) return failure(Error::NotFound);
    LockGuard const guard{lock_};
    auto& bound = vcpu->virq_ports[static_cast<u32>(line)];
    if (bound.load(std::memory_order_relaxed) != 0) return failure(Error::Exists);
    auto const number = take_port({.state = PortState::Virq, .line = line}, vcpu_id);
    if (number) bound.store(*number, std::memory_order_release);
    return number;
}

Expected<xen::EventPort> EventChannels::bind_ipi(u32 vcpu)
{
    if (!domain_.vcpu(vcpu)) return failure(Error::NotFound);
    LockGuard const guard{lock_};
    return take_port({.state = PortState::Ipi}, vcpu);
}

namespace {

bool may_move(PortConnection const& connection)
{
    return connection.state == PortState::Unbound || connection.state == PortState::Interdomain ||
           (connection.state == PortState::Virq && !is_per_vcpu(connection.line));
}

}

Expected<> EventChannels::bind_vcpu(xen::EventPort number, u32 vcpu)
{
    if (!domain_.vcpu(vcpu)) return failure(Error::NotFound);
    LockGuard const guard{lock_};
    Port* const port = ports_.find(number);
    if (!port || !may_move(port->connection)) return failure(Error::Invalid);
    port->vcpu.store(vcpu, std::memory_order_seq_cst);
    tell_new_vcpu(number, *port);
    return {};
}

// --- closing ---

std::optional<DomainReference> EventChannels::peer_of(xen::EventPort number)
{
    LockGuard const guard{lock_};
    Port* const port = ports_.find(number);
    if (!port || port->connection.state != PortState::Interdomain) return std::nullopt;
    return DomainReference{*port->connection.remote};
}

/// Under the domain's lock, and the peer's if there is one.
void EventChannels::free_port(xen::EventPort number, Port& port)
{
    PortConnection const was = port.connection;
    if (was.state == PortState::Interdomain)
        connect(*was.remote->event_channels.ports_.find(was.remote_port),
                {.state = PortState::Unbound, .remote_domain = domain_.id()});
    if (was.state == PortState::Virq) {
        u32 const listed_at = is_per_vcpu(was.line) ? port.vcpu.load(std::memory_order_relaxed) : 0;
        domain_.vcpu(listed_at)->virq_ports[static_cast<u32>(was.line)].store(0, std::memory_order_release);
    }
    connect(port, {});
    // Nobody can raise it now: senders held the lock of one of the two ports.
    forget_pending(number, port);
    ports_.give_back(number);
}

Expected<> EventChannels::close(xen::EventPort number)
{
    // Which second lock is needed is known only under the first. Another vCPU may use the gap to bind the port to
    // somebody else, but whoever does that for ever gets an error.
    for (int attempt = 0; attempt < 16; ++attempt) {
        auto const peer = peer_of(number);
        EventChannels& other = peer ? (*peer)->event_channels : *this;
        PairLock const guard{*this, other};
        Port* const port = ports_.find(number);
        if (!port || port->connection.state == PortState::Free) return failure(Error::Invalid);
        if (port->connection.state == PortState::Interdomain && port->connection.remote != &other.domain_) continue;
        free_port(number, *port);
        return {};
    }
    return failure(Error::Busy);
}

bool EventChannels::reset(Budget& budget)
{
    for (auto number = next_in_use(1); number; number = next_in_use(*number + 1)) {
        static_cast<void>(close(*number));
        if (budget.is_spent()) break;
    }
    return leave_fifo(budget);
}

bool EventChannels::close_all(Budget& budget)
{
    {
        LockGuard const guard{lock_};
        closed_ = true;
    }
    return reset(budget);
}

bool EventChannels::dismantle(Budget& budget)
{
    return ports_.free_records([&] { return budget.is_spent(); });
}

// --- looking ---

u32 EventChannels::count_in_use()
{
    LockGuard const guard{lock_};
    return ports_.count();
}

std::optional<xen::EventPort> EventChannels::next_in_use(xen::EventPort from)
{
    LockGuard const guard{lock_};
    return ports_.next_taken(from);
}

Expected<xen::EventStatus> EventChannels::status(xen::EventPort number)
{
    LockGuard const guard{lock_};
    Port const* const port = ports_.find(number);
    if (!port) return failure(Error::Invalid);
    PortConnection const& connection = port->connection;
    xen::EventStatus status{};
    status.vcpu = port->vcpu.load(std::memory_order_relaxed);
    switch (connection.state) {
    case PortState::Free: status.status = xen::EventStatusKind::Closed; break;
    case PortState::Unbound:
        status.status = xen::EventStatusKind::Unbound;
        status.u.unbound.domain = connection.remote_domain;
        break;
    case PortState::Interdomain:
        status.status = xen::EventStatusKind::Interdomain;
        status.u.interdomain = {.domain = connection.remote->id(), .pad = 0, .port = connection.remote_port};
        break;
    case PortState::Virq:
        status.status = xen::EventStatusKind::Virq;
        status.u.virq = static_cast<u32>(connection.line);
        break;
    case PortState::Ipi: status.status = xen::EventStatusKind::Ipi; break;
    }
    return status;
}

}
