// SPDX-License-Identifier: MIT
/// Register access by width, and address generation. (SDM vol. 1, 3.7.5; APM vol. 2, 4.5)
#include "arch/x86_64/emulator/operands.hpp"

namespace hospes::emulator {

namespace {

/// Byte registers 4-7 without REX: the second byte of rAX, rCX, rDX, rBX.
[[nodiscard]] bool is_high_byte(Instruction const& instruction, Gpr which, unsigned bytes)
{
    return bytes == 1 && !instruction.has_rex && which >= Gpr::Rsp && which <= Gpr::Rdi;
}

[[nodiscard]] constexpr Gpr holder_of_high_byte(Gpr which)
{
    return Gpr(std::to_underlying(which) - std::to_underlying(Gpr::Rsp));
}

}

u64 read_register(Instruction const& instruction, GuestRegisters const& registers, Gpr which, unsigned bytes)
{
    if (is_high_byte(instruction, which, bytes)) return truncate(registers[holder_of_high_byte(which)] >> 8, 1);
    return truncate(registers[which], bytes);
}

void write_register(Instruction const& instruction, GuestRegisters& registers, Gpr which, u64 value, unsigned bytes)
{
    if (is_high_byte(instruction, which, bytes)) {
        u64& holder = registers[holder_of_high_byte(which)];
        holder = (holder & ~(truncate(~u64{0}, 1) << 8)) | truncate(value, 1) << 8;
        return;
    }
    registers[which] = merge(registers[which], value, bytes);
}

Gva linear_address(Instruction const& instruction, GuestRegisters const& registers, Segment segment, u64 offset)
{
    u64 const base = registers.segment_base[std::to_underlying(segment)];
    u64 const effective = truncate(offset, instruction.address_bytes);
    if (instruction.mode != Mode::Bits64) return Gva{truncate(base + effective, 4)};
    return Gva{segment >= Segment::Fs ? base + effective : effective};
}

Gva operand_address(Instruction const& instruction, GuestRegisters const& registers, u64 further_bytes)
{
    MemoryOperand const& memory = *instruction.memory;
    u64 offset = static_cast<u64>(memory.displacement) + further_bytes;
    if (memory.base) offset += registers[*memory.base];
    if (memory.index) offset += registers[*memory.index] * memory.scale;
    if (memory.rip_relative) offset += registers.rip + instruction.length;
    return linear_address(instruction, registers, memory.segment, offset);
}

}
