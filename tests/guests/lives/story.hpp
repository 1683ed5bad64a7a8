// SPDX-License-Identifier: MIT
/// The lives that a guest can lead here: what it does, in a domain of its own, before it is destroyed.
#pragma once

#include <array>
#include <string_view>

#include "kernel/abi/xen/cpuid.hpp"
#include "kernel/lib/address.hpp"
#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/loaded_guest.hpp"
#include "tests/guests/framework/memory.hpp"

namespace hospes::test {

struct Story {
    std::string_view name;
    void (*act)();
    LoadedGuestPlan plan{};
    void (*partner)() = nullptr; ///< in a domain with the number before, which dies first
    bool endless = false;        ///< is destroyed while it runs
    xen::ShutdownReason end = xen::ShutdownReason::Poweroff;
};

/// Results of a story, as dom0 sees them.
inline constexpr u32 result_ready = 0;

/// Says to dom0 that the interesting part has begun.
inline void say_ready() { result_for_dom0(result_ready) = 1; }

[[nodiscard]] inline u16 own_id() { return static_cast<u16>(cpuid(xen::cpuid_first_leaf + 4).ecx); }
[[nodiscard]] inline u16 id_of_actor() { return static_cast<u16>(own_id() + 1); }
[[nodiscard]] inline u16 id_of_partner() { return static_cast<u16>(own_id() - 1); }

/// A guest-physical address where nothing is.
[[nodiscard]] inline u64 hole(u64 number) { return unused_gfn(number) << page_shift; }

/// Spins until another vCPU has made `done()` true. Interrupts are let in meanwhile: the other one may need this CPU,
/// and Bochs' VMX takes it from nobody who has them off.
template <typename Done>
void spin_until(Done done)
{
    while (!done()) let_interrupts_in();
}

/// Starts the other vCPUs from 1 up to `end`, to run `function`; ends the story if one does not come.
void start_others(u32 end, void (*function)(u32));

// friendly.cpp
void friendly();
void endless();
void generous();
void heir();

// memory.cpp
void twins();
void hoarder();
void zombie();
void racer();
void pinned();
void sparse();

// stuck.cpp
void stuck_in_a_hole();
void stuck_in_a_device();
void stuck_in_a_read_only_page();

// events.cpp
void ticker();
void collector();
void offering();
void clinger();

}
