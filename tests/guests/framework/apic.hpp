// SPDX-License-Identifier: MIT
/// The local APIC in x2APIC mode: registers are MSRs (SDM vol. 3, 11.12).
#pragma once

#include "kernel/lib/integers.hpp"
#include "tests/guests/framework/cpu.hpp"

namespace hospes::test::apic {

inline constexpr u32 base_msr = 0x1b;
inline constexpr u64 base_enable = u64{1} << 11;
inline constexpr u64 base_x2apic = u64{1} << 10;

/// x2APIC MSRs, in the manual's words.
inline constexpr u32 id = 0x802, version = 0x803, task_priority = 0x808, eoi = 0x80b, spurious = 0x80f,
                     error_status = 0x828, command = 0x830, timer_entry = 0x832, lint0_entry = 0x835,
                     error_entry = 0x837, timer_initial = 0x838, timer_current = 0x839, timer_divide = 0x83e,
                     self_ipi = 0x83f;

inline constexpr u64 software_enable = u64{1} << 8; ///< in the spurious-interrupt vector register
inline constexpr u8 spurious_vector = 0xff;

/// Interrupt command register, delivery modes and shorthands (SDM vol. 3, 11.6.1).
inline constexpr u64 deliver_fixed = 0u << 8, deliver_nmi = 4u << 8, deliver_init = 5u << 8, deliver_startup = 6u << 8;
inline constexpr u64 level_assert = 1u << 14;
inline constexpr u64 to_self = 1u << 18, to_all = 2u << 18, to_others = 3u << 18;

inline void end_of_interrupt() { write_msr(eoi, 0); }

inline void send(u32 destination, u64 mode_and_vector)
{
    write_msr(command, (u64{destination} << 32) | level_assert | mode_and_vector);
}

/// The LAPIC of vCPU n has this id (the ABI fixes it: MADT, CPUID leaves 1 and 0xb).
[[nodiscard]] constexpr u32 id_of_cpu(u32 cpu) { return cpu * 2; }

/// Switches this CPU's LAPIC to x2APIC mode and enables it.
void enable();

}
