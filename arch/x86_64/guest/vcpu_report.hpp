// SPDX-License-Identifier: MIT
/// What the log says about a vCPU: where it is, and how it came there.
#pragma once

#include <string_view>

#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "kernel/log/log.hpp"

namespace hospes::arch {

/// The guest comes to an end by itself, if no other vCPU has said so: why, and the registers that say where; the
/// general registers and the last exits, too, unless there were many such ends of late. This CPU runs the vCPU.
void log_end(VirtualCpu const& cpu, LogLevel level, std::string_view why);

}
