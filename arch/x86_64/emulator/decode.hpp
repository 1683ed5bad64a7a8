// SPDX-License-Identifier: MIT
/// From bytes to an Instruction. Pure: looks at nothing but its arguments.
#pragma once

#include <expected>
#include <span>

#include "arch/x86_64/emulator/instruction.hpp"

namespace hospes::emulator {

/// Longer instructions raise #GP. (SDM vol. 2, 2.3.11)
inline constexpr size_t max_instruction_bytes = 15;

enum class DecodeError : u8 {
    NeedMoreBytes, ///< what is there may be the beginning of an instruction; read on (across the page border)
    TooLong,       ///< no end within 15 bytes: the CPU would raise #GP
    CannotDecode,  ///< invalid, or outside of the tables: give the guest #UD
};

/// Decodes the instruction at the start of `bytes`; what follows it is ignored. The caller compares `operation` with
/// the reason of its exit, since another virtual CPU may have changed the bytes since the instruction was executed.
[[nodiscard]] std::expected<Instruction, DecodeError> decode(std::span<u8 const> bytes, Mode mode);

}
