// SPDX-License-Identifier: MIT
/// What the kernel asks of the clock hardware. Defined in arch/x86_64.
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes::arch {

/// Compares the TSC with a clock of known frequency; takes some 100 ms. Booting CPU only.
[[nodiscard]] u64 measure_tsc_hz();

/// Makes this CPU's one-shot timer interrupt after `span` nanoseconds, or earlier if that is farther than the hardware
/// can count; replaces what was set before.
void arm_timer(u64 span);

/// The battery-backed clock, in seconds since 1970 UTC.
[[nodiscard]] u64 read_battery_clock();

}
