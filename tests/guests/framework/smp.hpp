// SPDX-License-Identifier: MIT
/// The other CPUs: started by INIT and SIPI like on a real machine, then given functions to run.
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes::test {

/// Starts CPU `index`, which will call `function(index)` and then halt for good. False if it never arrived.
bool start_cpu(u32 index, void (*function)(u32 index));

/// The CPU this runs on.
[[nodiscard]] u32 cpu_index();

}
