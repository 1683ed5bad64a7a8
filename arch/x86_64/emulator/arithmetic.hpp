// SPDX-License-Identifier: MIT
/// What the arithmetic unit does: two numbers and the flags in, a number and the flags out.
#pragma once

#include "arch/x86_64/emulator/opcodes.hpp"
#include "arch/x86_64/emulator/registers.hpp"

namespace hospes::emulator {

struct ArithmeticResult {
    u64 value = 0; ///< truncated to the width
    Rflags flags;
};

/// Computes Add..Btc on operands of `bytes` bytes (1, 2, 4 or 8); the second one is ignored by Inc, Dec, Not and Neg
/// and is a bit number for Bt..Btc. Flags the manuals leave undefined are cleared by the logical operations and kept
/// by Bt..Btc, as processors do. For comparisons `value` is not meant to be stored.
[[nodiscard]] ArithmeticResult compute(Operation operation, u64 first, u64 second, unsigned bytes, Rflags before);

}
