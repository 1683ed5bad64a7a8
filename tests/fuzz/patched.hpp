// SPDX-License-Identifier: MIT
/// Turns a fuzzer's bytes into damage to something valid: far more of a parser is reached that way than with noise.
#pragma once

#include <cstring>
#include <span>
#include <vector>

#include "kernel/lib/integers.hpp"

namespace hospes::test {

/// Applies `input` as (16-bit offset, byte) pairs to a copy of `valid`, and cuts it short if the first byte is odd.
inline std::vector<u8> patched(std::vector<u8> valid, std::span<u8 const> input)
{
    if (input.size() < 3) return valid;
    if (input[0] % 2 != 0) valid.resize((input[1] | input[2] << 8) % (valid.size() + 1));
    for (input = input.subspan(3); input.size() >= 3 && !valid.empty(); input = input.subspan(3))
        valid[static_cast<size_t>(input[0] | input[1] << 8) % valid.size()] = input[2];
    return valid;
}

}
