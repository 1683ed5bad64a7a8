// SPDX-License-Identifier: MIT
/// The bytes of the instruction that a vCPU stopped at.
#pragma once

#include <array>
#include <span>

#include "arch/x86_64/emulator/decode.hpp"

namespace hospes::arch {

class VirtualCpu;

struct FetchedInstruction {
    std::array<u8, emulator::max_instruction_bytes> bytes{};
    size_t count = 0; ///< fewer than all where the next page is not mapped
    emulator::Mode mode = emulator::Mode::Bits64;

    [[nodiscard]] std::span<u8 const> span() const { return std::span{bytes}.first(count); }
};

[[nodiscard]] FetchedInstruction fetch_instruction(VirtualCpu& cpu);

}
