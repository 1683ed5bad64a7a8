// SPDX-License-Identifier: MIT
/// Which CPU is inside which guest right now, and how a change of a domain's memory reaches all of them.
///
/// Entering a guest:               Changing a translation:
///   1. inside = its domain          1. change the entry
///   2. read the domain's            2. generation of the domain += 1
///      generation; if it is new,    3. for every other CPU whose `inside` is the domain:
///      flush on this entry             kick it, wait until it has left that entry
///   3. enter
/// The run loop calls enter() BEFORE its last look at pending interrupts, with interrupts disabled from there on:
/// whoever adds an interrupt afterwards finds the CPU inside and kicks it, and the kick ends the entry at once. The
/// loop has looked for waiting reasons and requests before: who adds one of those kicks the CPU without looking whether
/// it is inside (scheduler::reconsider(), deschedule()).
///
/// Either 2 sees the new generation or 3 sees the CPU inside. A CPU leaves its guest on a kick without taking any lock,
/// so waiting is safe with locks held.
#pragma once

#include <atomic>

#include "kernel/arch/cpu.hpp"
#include "kernel/lib/address.hpp"

namespace hospes {

class Domain;
class Vcpu;
struct CachedLeaf;

/// One CPU's part. An object is the run loop's stay with one vCPU, which does not change CPUs meanwhile.
class GuestPresence {
public:
    explicit GuestPresence(Vcpu& vcpu) : vcpu_{vcpu}, here_{place_of_this_cpu()} {}
    /// Announces that this CPU is about to enter the guest. Returns true if its domain's translations changed since the
    /// vCPU's last entry: the entry must then flush them.
    [[nodiscard]] bool enter();
    /// This CPU has left the guest.
    void leave() { here_.leave(); }

    /// Returns when no CPU can use a translation of `domain` that was removed before the call.
    static void flush(Domain& domain);
    /// Makes `vcpu` leave its guest if some other CPU is in it, so that it looks at new events. Does not wait.
    static void nudge(Vcpu const& vcpu);

private:
    friend class GuestLook;
    struct Place {
        std::atomic<Domain const*> inside{nullptr}; ///< to be compared only: it may be gone by then
        std::atomic<u64> departures{0};             ///< tells one entry from the next

        void leave();
    };
    [[nodiscard]] static Place& place_of_this_cpu();
    static void expel(unsigned cpu, Domain const& domain);
    static PerCpu<Place> places;

    Vcpu& vcpu_;
    Place& here_;
};

/// As long as it lives, what this CPU finds in the domain's map cannot be released, as if the CPU were in the guest: a
/// change waits. For short looks without references, by the CPU that runs `vcpu`: bounded, and no lock may be taken
/// meanwhile. A look within another one is part of the outer look, which is the one that ends it.
class [[nodiscard]] GuestLook {
public:
    explicit GuestLook(Vcpu& vcpu);
    GuestLook(GuestLook const&) = delete;
    GuestLook& operator=(GuestLook const&) = delete;
    ~GuestLook()
    {
        if (entered_) entered_->leave();
    }

    [[nodiscard]] Vcpu& vcpu() const { return vcpu_; }
    /// A pointer to guest-physical `where`, good to the end of its page; null where the domain has no memory, or none
    /// that may be written.
    [[nodiscard]] u8* reach(Gpa where, bool for_writing) const;

private:
    [[nodiscard]] static GuestPresence::Place* enter(Vcpu const& vcpu);
    [[nodiscard]] bool remember(Gfn where, CachedLeaf& leaf) const;

    Vcpu& vcpu_;
    GuestPresence::Place* entered_; ///< null if it is not the outermost
    u64 generation_;                ///< read after the presence was announced, like at an entry
};

}
