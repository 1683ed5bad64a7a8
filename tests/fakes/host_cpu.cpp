// SPDX-License-Identifier: MIT
/// The one CPU that host tests run on, for production code that asks which it is. Weak: a test may bring its own.
#include "kernel/arch/cpu.hpp"

namespace hospes::arch {

[[gnu::weak]] unsigned this_cpu() { return 0; }
[[gnu::weak]] unsigned cpu_count() { return 1; }
[[gnu::weak]] u64 read_tsc() { return 0; }

}
