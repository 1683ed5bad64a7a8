// SPDX-License-Identifier: MIT
/// Where operands are: registers of every width, and linear addresses.
#pragma once

#include <algorithm>
#include <bit>

#include "arch/x86_64/emulator/instruction.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/aligned_piece.hpp"

namespace hospes::emulator {

/// The low `bytes` (1, 2, 4 or 8) of `value`.
[[nodiscard]] constexpr u64 truncate(u64 value, unsigned bytes) { return value & (~u64{0} >> (64 - 8 * bytes)); }

/// A register that held `before` when the low `bytes` (1, 2, 4 or 8) of `value` have been written to it. One and two
/// bytes leave the rest alone, four clear the upper half. (SDM vol. 1, 3.4.1.1)
[[nodiscard]] constexpr u64 merge(u64 before, u64 value, unsigned bytes)
{
    u64 const kept = bytes >= 4 ? 0 : before & ~truncate(~u64{0}, bytes);
    return kept | truncate(value, bytes);
}

/// How many of the `bytes` (1 to 8) of an access at `where` go to memory or a device at once: never more than one page
/// has, and 1, 2, 4 or 8. What is cut is cut to aligned pieces, as a bus would.
[[nodiscard]] constexpr unsigned next_piece(Gva where, unsigned bytes)
{
    unsigned const in_page = static_cast<unsigned>(std::min<u64>(bytes, page_size - offset_in_page(where)));
    return std::has_single_bit(in_page) ? in_page : aligned_piece(where.raw(), in_page);
}

/// `value`, whose low `bytes` count, as a signed number of 64 bits.
[[nodiscard]] constexpr u64 sign_extend(u64 value, unsigned bytes)
{
    unsigned const unused_bits = 64 - 8 * bytes;
    return static_cast<u64>(static_cast<s64>(value << unused_bits) >> unused_bits);
}

/// The register that `which` means in this instruction; for a byte without REX that may be AH, CH, DH or BH.
[[nodiscard]] u64 read_register(Instruction const& instruction, GuestRegisters const& registers, Gpr which,
                                unsigned bytes);

/// The register that read_register() reads, with the rest of it as merge() says.
void write_register(Instruction const& instruction, GuestRegisters& registers, Gpr which, u64 value, unsigned bytes);

/// segment:offset as a linear address; the offset wraps at the instruction's address size. Limits are not checked.
[[nodiscard]] Gva linear_address(Instruction const& instruction, GuestRegisters const& registers, Segment segment,
                                 u64 offset);

/// The linear address of the instruction's memory operand (there must be one), `further_bytes` on.
[[nodiscard]] Gva operand_address(Instruction const& instruction, GuestRegisters const& registers,
                                  u64 further_bytes = 0);

}
