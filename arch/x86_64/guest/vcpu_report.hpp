// SPDX-License-Identifier: MIT
/// What the log says about a vCPU: where it is, and how it came there.
#pragma once

#include <string_view>

#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "kernel/log/log.hpp"

namespace hospes::arch {

/// Why, with the registers that say where; the general registers; the last exits. For whoever may use the backend.
void log_state(VirtualCpu const& cpu, LogLevel level, std::string_view why);

}
