// SPDX-License-Identifier: MIT
/// Starting the other CPUs.
///
///     booting CPU                                another CPU
///     copy ap_trampoline to 0x8000
///     INIT, SIPI ──────────────────────────────► real mode ─► long mode ─► its own stack, final page tables
///                ◄─────────────────────────────  descriptors, local APIC: "arrived"
///     both read the TSC by turns and compare
///                ◄─────────────────────────────  counted by arch::cpu_count(); waits
///     … the next one; then 0x8000 gets its former content back
///     release_other_cpus(entry) ───────────────► entry()
#pragma once

#include "arch/x86_64/irq/topology.hpp"

namespace hospes::smp {

/// Starts every CPU of `topology`, up to `limit` in all (`maxcpus=`; 1 for `nosmp`). One that does not answer is named
/// in the log and left out. Needs the clock and the final page tables; the early ones (boot/multiboot.S) must still be
/// there.
void start_other_cpus(InterruptTopology const& topology, unsigned limit = arch::max_cpus);

/// Sends them from their waiting place to `entry`, which must not return.
void release_other_cpus(void (*entry)());

}
