// SPDX-License-Identifier: MIT
/// A domain's event channels. A domain begins with the two-level ABI and its 4,096 ports; it may ask for the FIFO ABI
/// with 131,072, and goes back by resetting all (design.md D14).
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

#include <atomic>
#include <memory>
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
class FifoPages;
class OwnRam;
class Vcpu;
struct DomainConfiguration;

class EventChannels {
public:
    explicit EventChannels(Domain& domain);
    ~EventChannels();
    /// All that it may need, in frames.
    [[nodiscard]] static u64 most_overhead(DomainConfiguration const& configuration);

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
    /// Closes ports until the budget is spent; true when none is left, and the ABI the two-level one again. Senders may
    /// be at work meanwhile.
    [[nodiscard]] bool reset(Budget& budget);

    // --- the FIFO ABI ---

    /// `page` + `offset` is `vcpu`'s control block. The first one makes the FIFO ABI the domain's. NotFound: no such
    /// vCPU. Invalid: it has one, or the place is none. OutOfMemory. Busy: another vCPU is resetting all.
    [[nodiscard]] Expected<> init_control(u32 vcpu, OwnRam page, u32 offset);
    /// `page` has the words of the next 1,024 ports; events that came before are delivered now. NoSpace: there are
    /// words for all. NotSupported: not with the two-level ABI. Restart.
    [[nodiscard]] Expected<> expand_array(OwnRam page, Budget& budget);
    /// From the next time on that the port is put into a queue. Invalid: no such port, no such priority.
    /// NotImplemented: not with the two-level ABI.
    [[nodiscard]] Expected<> set_priority(xen::EventPort port, u32 priority);
    [[nodiscard]] bool uses_fifo() const { return fifo_.load(std::memory_order_relaxed) != nullptr; }
    /// For how many ports there are words.
    [[nodiscard]] u32 fifo_words() const;
    struct FifoState {
        bool is_linked;
        u32 priority;
    };
    /// Nothing with the two-level ABI.
    [[nodiscard]] std::optional<FifoState> fifo_state(xen::EventPort port);

    /// How many ports are in use, and the lowest at or above `from`, as of a moment ago.
    [[nodiscard]] u32 count_in_use();
    [[nodiscard]] std::optional<xen::EventPort> next_in_use(xen::EventPort from);
    /// The highest number that a port can get: the configuration says it, and for how many there are bits or words.
    [[nodiscard]] xen::EventPort highest_port() const;
    /// Could the number be a port's? (SCHEDOP_poll)
    [[nodiscard]] bool exists(xen::EventPort port) const { return ports_.find(port) != nullptr; }
    /// Whether an event waits there, masked or not; false for a number that is no port's.
    [[nodiscard]] bool is_pending(xen::EventPort port);
    /// Whether the domain does not want to hear of the port's events.
    [[nodiscard]] bool is_masked(xen::EventPort port);

    /// The hypervisor raises `line`, if it is bound. Any CPU may call.
    void raise_line(Vcpu& vcpu, xen::VirtualInterrupt line);

    /// Closes ports like reset(), and for good: none can be taken any more. Part of a domain's destruction; the vCPUs
    /// are stopped.
    [[nodiscard]] bool close_all(Budget& budget);
    /// Frees the ports' records until the budget is spent; true when none is left. Nobody can name the domain any more.
    [[nodiscard]] bool dismantle(Budget& budget);

private:
    class PairLock;

    [[nodiscard]] Expected<xen::EventPort> take_port(PortConnection const& connection, u32 vcpu);
    void connect(Port& port, PortConnection const& connection);
    void free_port(xen::EventPort number, Port& port);
    [[nodiscard]] std::optional<DomainReference> peer_of(xen::EventPort number);

    [[nodiscard]] TwoLevelEvents<AtomicWords> shared_events() const;
    void raise(xen::EventPort number, Port& port);
    [[nodiscard]] bool raise_two_level(xen::EventPort number, Port& port);
    [[nodiscard]] bool raise_fifo(FifoPages& fifo, xen::EventPort number, Port& port);
    void select(xen::EventPort number, Port const& port);
    void give_upcall(u32 vcpu);
    void wake_pollers(xen::EventPort number);
    void tell_new_vcpu(xen::EventPort number, Port const& port);
    void forget_pending(xen::EventPort number, Port& port);
    template <typename Look>
    [[nodiscard]] bool look_at(xen::EventPort number, Look look);

    [[nodiscard]] Expected<FifoPages*> fifo_for_use();
    void revive_one(FifoPages& fifo);
    void revive_some(FifoPages& fifo);
    enum class Expansion : u8 { Begun, Done };
    [[nodiscard]] Expected<Expansion> expand_step(OwnRam& page, Hfn frame);
    [[nodiscard]] bool end_fifo();
    [[nodiscard]] std::optional<OwnRam> take_left_page();
    [[nodiscard]] bool leave_fifo(Budget& budget);

    Domain& domain_;
    Spinlock<LockRank::EventChannel> lock_;
    PortTable ports_;
    bool closed_ = false;                   ///< the domain is being destroyed; under lock_
    std::unique_ptr<FifoPages> fifo_pages_; ///< made once; under lock_
    /// `fifo_pages_` while the FIFO ABI is the domain's. Changed under lock_; goes only while no port is in use, so
    /// whoever keeps a port what it is may use it.
    std::atomic<FifoPages*> fifo_{nullptr};
};

}
