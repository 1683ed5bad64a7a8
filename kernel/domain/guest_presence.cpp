// SPDX-License-Identifier: MIT
/// Expels the guest from CPUs whose translations must go, and remembers translations for hypercalls.
#include "kernel/domain/guest_presence.hpp"

#include "kernel/arch/memory.hpp"
#include "kernel/counters/happening.hpp"
#include "kernel/domain/domain.hpp"

namespace hospes {

PerCpu<GuestPresence::Place> GuestPresence::places;

GuestPresence::Place& GuestPresence::place_of_this_cpu() { return places.mine(); }

/// Waits until `cpu` has left the entry that it is in now, if that is one of `domain`.
void GuestPresence::expel(unsigned cpu, Domain const& domain)
{
    Place const& there = places.of(cpu);
    u64 const departures = there.departures.load(std::memory_order_seq_cst);
    if (there.inside.load(std::memory_order_seq_cst) != &domain) return;
    arch::kick(cpu);
    while (there.departures.load(std::memory_order_acquire) == departures) arch::spin_hint();
}

bool GuestPresence::enter()
{
    here_.inside.store(&vcpu_.domain(), std::memory_order_seq_cst);
    u64 const generation = vcpu_.domain().translation_generation.load(std::memory_order_seq_cst);
    return std::exchange(vcpu_.seen_generation, generation) != generation;
}

void GuestPresence::Place::leave()
{
    inside.store(nullptr, std::memory_order_release);
    departures.store(departures.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

void GuestPresence::flush(Domain& domain)
{
    count(Happening::TranslationsTakenBack);
    domain.translation_generation.fetch_add(1, std::memory_order_seq_cst);
    unsigned const self = arch::this_cpu();
    for (unsigned cpu = 0; cpu < arch::cpu_count(); ++cpu)
        if (cpu != self) expel(cpu, domain);
}

void GuestPresence::nudge(Vcpu const& vcpu)
{
    // Orders the caller's event before the look at `inside`; enter() is the other half.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    s32 const cpu = vcpu.scheduling.on_cpu.load(std::memory_order_relaxed);
    if (cpu < 0 || static_cast<unsigned>(cpu) == arch::this_cpu()) return;
    if (places.of(static_cast<unsigned>(cpu)).inside.load(std::memory_order_relaxed) == &vcpu.domain())
        arch::kick(static_cast<unsigned>(cpu));
}

// --- looking into a domain's memory ---

GuestLook::GuestLook(Vcpu& vcpu)
    : vcpu_{vcpu},
      entered_{enter(vcpu)},
      generation_{vcpu.domain().translation_generation.load(std::memory_order_seq_cst)}
{}

GuestPresence::Place* GuestLook::enter(Vcpu const& vcpu)
{
    GuestPresence::Place& here = GuestPresence::place_of_this_cpu();
    if (here.inside.load(std::memory_order_relaxed) != nullptr) return nullptr;
    here.inside.store(&vcpu.domain(), std::memory_order_seq_cst);
    return &here;
}

u8* GuestLook::reach(Gpa where, bool for_writing) const
{
    Gfn const frame = frame_of(where);
    CachedLeaf& leaf = vcpu_.leaves.slot(frame);
    if (!leaf.covers(frame, generation_) && !remember(frame, leaf)) return nullptr;
    if (for_writing && !leaf.writable) return nullptr;
    return arch::reach_as<u8>(address_of(leaf.frame_behind(frame)) + offset_in_page(where));
}

/// False where no memory is mapped.
[[gnu::noinline]] bool GuestLook::remember(Gfn where, CachedLeaf& leaf) const
{
    Mapping const found = vcpu_.domain().physmap.lookup(where);
    if (!is_counted(found.type)) return false;
    u64 const offset = where.raw() & ((u64{1} << found.order) - 1);
    leaf = {.first = Gfn{where.raw() - offset},
            .frame = Hfn{found.frame.raw() - offset},
            .generation = generation_,
            .order = static_cast<u8>(found.order),
            .writable = found.access.write};
    return true;
}

}
