// SPDX-License-Identifier: MIT
/// The para-virtual clock and the one-shot timer.
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes::test {

inline constexpr u64 microsecond = 1'000;
inline constexpr u64 millisecond = 1'000'000;
inline constexpr u64 second = 1'000'000'000;

/// How long to wait for what must happen: so long that a busy machine is not taken for a broken one.
inline constexpr u64 long_enough = 30 * second;

/// Nanoseconds of system time, read from this CPU's vcpu_info.
[[nodiscard]] u64 now();

/// System time that TSC value `tsc` stands for.
[[nodiscard]] u64 time_of_tsc(u64 tsc);

/// Spins.
void delay(u64 nanoseconds);

/// VIRQ_TIMER of this CPU; `handler` runs from the upcall. Returns the port.
u32 set_timer_handler(void (*handler)(u32 port));

/// Fires this CPU's timer at `absolute_ns` of system time.
s64 start_timer(u64 absolute_ns);

}
