// SPDX-License-Identifier: MIT
/// Instructions in three modes, put together by the compiler's own assembler, whose idea of their length is the
/// reference for ours.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "arch/x86_64/emulator/registers.hpp"

namespace hospes::emulator::test {

struct Sample {
    u8 const* bytes;
    u64 length;
    u64 bits;
    char const* text;

    [[nodiscard]] std::span<u8 const> span() const { return {bytes, length}; }
    [[nodiscard]] Mode mode() const { return bits == 64 ? Mode::Bits64 : bits == 32 ? Mode::Bits32 : Mode::Bits16; }
    [[nodiscard]] std::string name() const { return std::to_string(bits) + "-bit: " + text; }
};

/// Those that must decode, and those that must not.
[[nodiscard]] std::span<Sample const> good_samples();
[[nodiscard]] std::span<Sample const> refused_samples();

}
