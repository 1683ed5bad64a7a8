// SPDX-License-Identifier: MIT
/// The part of a virtual CPU that an emulated instruction can see: copied in by the caller, copied out afterwards.
#pragma once

#include <array>
#include <utility>

#include "kernel/lib/bit_register.hpp"
#include "kernel/lib/integers.hpp"

namespace hospes::emulator {

/// What the code segment says about the code in it: CS.L and CS.D. (SDM vol. 3, 3.4.5.1)
enum class Mode : u8 { Bits16, Bits32, Bits64 };

/// General-purpose registers, in the order of their encoding.
enum class Gpr : u8 { Rax, Rcx, Rdx, Rbx, Rsp, Rbp, Rsi, Rdi, R8, R9, R10, R11, R12, R13, R14, R15 };

/// Segment registers, in the order of their encoding.
enum class Segment : u8 { Es, Cs, Ss, Ds, Fs, Gs };

/// The flags an emulated instruction reads or writes. (SDM vol. 1, 3.4.3)
struct Rflags : Register<Rflags> {
    using Register::Register;
    using Carry = Field<Rflags, 0>;
    using Parity = Field<Rflags, 2>;
    using AuxiliaryCarry = Field<Rflags, 4>;
    using Zero = Field<Rflags, 6>;
    using Sign = Field<Rflags, 7>;
    using Direction = Field<Rflags, 10>;
    using Overflow = Field<Rflags, 11>;
    using Resume = Field<Rflags, 16>;
};

struct GuestRegisters {
    std::array<u64, 16> gpr{}; ///< indexed by Gpr
    u64 rip = 0;               ///< of the instruction that is emulated
    u64 rflags = 0;
    std::array<u64, 6> segment_base{}; ///< indexed by Segment; in 64-bit mode only those of FS and GS matter

    [[nodiscard]] constexpr u64& operator[](Gpr which) { return gpr[std::to_underlying(which)]; }
    [[nodiscard]] constexpr u64 operator[](Gpr which) const { return gpr[std::to_underlying(which)]; }
};

}
