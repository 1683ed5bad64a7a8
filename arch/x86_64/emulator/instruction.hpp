// SPDX-License-Identifier: MIT
/// One decoded instruction: everything that its bytes say, and nothing that depends on registers or memory.
#pragma once

#include <optional>

#include "arch/x86_64/emulator/opcodes.hpp"
#include "arch/x86_64/emulator/registers.hpp"

namespace hospes::emulator {

/// segment:[base + index * scale + displacement], computed in `address_bytes` bytes.
struct MemoryOperand {
    Segment segment = Segment::Ds;
    std::optional<Gpr> base;
    std::optional<Gpr> index;
    u8 scale = 1;
    bool rip_relative = false; ///< the base is the address of the next instruction
    s64 displacement = 0;
};

struct Instruction {
    Operation operation = Operation::None;
    Form form = Form::Implied;
    Mode mode = Mode::Bits64;
    u8 length = 0;
    u8 address_bytes = 8; ///< 2, 4 or 8
    u8 operand_bytes = 4; ///< 1, 2, 4 or 8: of the destination
    u8 source_bytes = 4;  ///< smaller than operand_bytes only for MOVZX, MOVSX and MOVSXD
    bool repeat = false;  ///< REP, or REPNE, which means the same for every string instruction decoded here
    bool has_rex = false; ///< byte registers 4-7 are SPL, BPL, SIL, DIL instead of AH, CH, DH, BH
    Segment source_segment = Segment::Ds; ///< of a string instruction
    Gpr reg{};                            ///< ModRM.reg; for MOV CRn/DRn the number of that register
    Gpr rm{};                             ///< ModRM.rm where it names a register: `memory` is empty then
    std::optional<MemoryOperand> memory;
    s64 immediate = 0;
};

/// Whether the first operand is changed, as opposed to only looked at.
[[nodiscard]] constexpr bool writes_destination(Operation operation)
{
    return operation != Operation::Cmp && operation != Operation::Test && operation != Operation::Bt;
}

}
