// SPDX-License-Identifier: MIT
/// The instruction that a vCPU stopped at.
#pragma once

#include "arch/x86_64/emulator/decode.hpp"

namespace hospes::arch {

class VirtualCpu;

/// What is at the vCPU's RIP now: another vCPU may have changed it since the exit. NeedMoreBytes where the next page
/// cannot be read. For the vCPU that this CPU runs.
[[nodiscard]] std::expected<emulator::Instruction, emulator::DecodeError> next_instruction(VirtualCpu& cpu);

}
