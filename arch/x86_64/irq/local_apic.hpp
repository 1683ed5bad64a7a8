// SPDX-License-Identifier: MIT
/// The local APIC of each CPU: acknowledging interrupts, sending them to other CPUs, the one-shot timer.
/// In x2APIC mode its registers are MSRs, otherwise a page of memory at the same address for every CPU.
/// (SDM volume 3, chapter 11; AMD64 APM volume 2, chapter 16.)
#pragma once

#include "kernel/lib/address.hpp"

namespace hospes::local_apic {

/// Decides between x2APIC and the registers at `registers`, and enables the booting CPU's local APIC.
void initialize(Hpa registers);
/// Enables the local APIC of another CPU, in the same mode. Called on that CPU.
void enable_on_this_cpu();
/// Finds how fast the timer counts, by the clock. Booting CPU; enable_timer() follows on each.
void calibrate_timer();
void enable_timer();

[[nodiscard]] bool in_x2apic_mode();
/// The calling CPU's APIC id.
[[nodiscard]] u32 id();

void end_of_interrupt();

void send_interrupt(u32 apic_id, u8 vector);
void send_nmi(u32 apic_id);
/// Puts a CPU into its wait-for-start state.
void send_init(u32 apic_id);
/// Starts it in real mode at the 4 KiB page `page`, which is below 1 MiB.
void send_startup(u32 apic_id, u8 page);

}
