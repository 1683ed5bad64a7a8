// SPDX-License-Identifier: MIT
/// A domain's event channels (two-level ABI only, 4,096 ports; design.md D14).
///
///                  alloc_unbound                       bind_interdomain by the remote
///         ┌────────────────────────────▶ Unbound ──────────────────────────────────────┐
///         │                                  ▲                                         ▼
///       Free ◀── close, reset ── any         └────── the other end closes ─────── Interdomain
///         │  bind_interdomain                                                          ▲
///         ├────────────────────────────────────────────────────────────────────────────┘
///         ├── bind_virq ──▶ Virq
///         └── bind_ipi ───▶ Ipi
///
/// Locks: every change of state takes the domain's lock (both domains' for a pair of ports, in order of domain id) and
/// the port's. Sending takes the lock of the sender's port only: as long as that is held the pair cannot be broken, and
/// as long as the pair stands the other domain and its shared pages exist, because a domain closes all its ports before
/// anything else of it goes.
#pragma once

#include <optional>

#include "kernel/abi/xen/event_channel.hpp"
#include "kernel/evtchn/port_table.hpp"
#include "kernel/lib/error.hpp"
#include "kernel/time/budget.hpp"

namespace hospes {

class Domain;
class DomainReference;
struct AtomicWords;
template <typename Words = AtomicWords>
class TwoLevelEvents;
class Vcpu;

class EventChannels {
public:
    explicit EventChannels(Domain& domain) : domain_{domain} {}
    ~EventChannels();

    // Each of these gives the new port's number. NoSpace when the domain has no more, OutOfMemory, Invalid while it is
    // being destroyed.

    /// A port that only `remote` may bind to.
    [[nodiscard]] Expected<xen::EventPort> alloc_unbound(xen::DomainId remote);
    /// Connects a new port, pending at once, to `remote_port`. Invalid unless that is unbound and meant for us.
    [[nodiscard]] Expected<xen::EventPort> bind_interdomain(Domain& remote, xen::EventPort remote_port);
    /// Invalid: no such line, or a global one on a vCPU other than 0. NotFound: no such vCPU. Exists.
    [[nodiscard]] Expected<xen::EventPort> bind_virq(xen::VirtualInterrupt line, u32 vcpu);
    /// NotFound: no such vCPU.
    [[nodiscard]] Expected<xen::EventPort> bind_ipi(u32 vcpu);

    /// Events on `port` go to `vcpu` from now on. NotFound: no such vCPU. Invalid: free, or bound to its vCPU for good.
    [[nodiscard]] Expected<> bind_vcpu(xen::EventPort port, u32 vcpu);
    /// Invalid unless interdomain, IPI, or unbound, which nobody hears.
    [[nodiscard]] Expected<> send(xen::EventPort port);
    /// Invalid if the port is free.
    [[nodiscard]] Expected<> unmask(xen::EventPort port);
    /// Invalid if the port is free; Busy if other vCPUs have bound it to one domain after the other meanwhile.
    [[nodiscard]] Expected<> close(xen::EventPort port);
    /// Fills in all but domain and port. Invalid where no port ever was.
    [[nodiscard]] Expected<xen::EventStatus> status(xen::EventPort port);
    /// Closes ports until the budget is spent; true when none is left. Senders may be at work meanwhile.
    [[nodiscard]] bool reset(Budget& budget);

    /// The ports that are in use, as of a moment ago.
    [[nodiscard]] PortTable::Numbers in_use();
    /// The highest number that a port can get: the configuration says it, and for how many there are bits.
    [[nodiscard]] xen::EventPort highest_port() const;
    /// Could the number be a port's? (SCHEDOP_poll)
    [[nodiscard]] bool exists(xen::EventPort port) const { return ports_.find(port) != nullptr; }
    /// Whether an event waits there, masked or not; false for a number that is no port's.
    [[nodiscard]] bool is_pending(xen::EventPort port) const;
    /// Whether the domain does not want to hear of the port's events.
    [[nodiscard]] bool is_masked(xen::EventPort port) const;

    /// The hypervisor raises `line`, if it is bound. Any CPU may call.
    void raise_line(Vcpu& vcpu, xen::VirtualInterrupt line);

    /// Closes ports like reset(), and for good: none can be taken any more. Part of a domain's destruction; the vCPUs
    /// are stopped.
    [[nodiscard]] bool close_all(Budget& budget);

private:
    class PairLock;

    [[nodiscard]] Expected<xen::EventPort> take_port(PortConnection const& connection, u32 vcpu);
    void connect(Port& port, PortConnection const& connection);
    void free_port(xen::EventPort number, Port& port);
    [[nodiscard]] std::optional<DomainReference> peer_of(xen::EventPort number);

    [[nodiscard]] TwoLevelEvents<AtomicWords> shared_events() const;
    void raise(xen::EventPort number);
    void notify(xen::EventPort number);
    void wake_pollers(xen::EventPort number);

    Domain& domain_;
    Spinlock<LockRank::EventChannel> lock_;
    PortTable ports_;
    bool closed_ = false; ///< the domain is being destroyed; under lock_
};

}
