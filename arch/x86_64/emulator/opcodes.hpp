// SPDX-License-Identifier: MIT
/// The opcode tables: what follows each opcode byte, and what it does. An opcode without a row is not decoded.
///
///     [legacy prefixes] [REX] opcode [ModRM [SIB] [displacement]] [immediate]        at most 15 bytes
///                             0F opcode
///
/// Rows exist for two reasons: the instructions that compilers use on device memory, which are executed, and those
/// that make a virtual CPU exit, of which only the length and the operands are wanted.
/// (SDM vol. 2, appendix A; APM vol. 3, appendix A and, for the exits, vol. 2, 15.9)
#pragma once

#include <array>
#include <utility>

#include "kernel/lib/integers.hpp"

namespace hospes::emulator {

// clang-format off
enum class Operation : u8 {
    None,
    // Computed by arithmetic.hpp.
    Add, Or, Adc, Sbb, And, Sub, Xor, Cmp,
    Test, Inc, Dec, Not, Neg,
    Bt, Bts, Btr, Btc,
    // Executed by execute.hpp.
    Mov, Movzx, Movsx, Xchg,
    Movs, Stos, Lods, Ins, Outs,
    // Decoded only: the caller knows what to do from the exit itself.
    In, Out, Int3, Int, Icebp, Hlt, Pause,
    MovFromControl, MovToControl, MovFromDebug, MovToDebug,
    Clts, Invd, Wbinvd, Wrmsr, Rdtsc, Rdmsr, Rdpmc, Cpuid, Rsm,
    Sldt, Str, Lldt, Ltr, Sgdt, Sidt, Lgdt, Lidt, Smsw, Lmsw, Invlpg,
    Vmcall, Monitor, Mwait, Xsetbv, Rdtscp, Monitorx, Mwaitx, Rdpru,
    Vmrun, Vmmcall, Vmload, Vmsave, Stgi, Clgi, Skinit, Invlpga,
};
// clang-format on
inline constexpr size_t operation_count = std::to_underlying(Operation::Invlpga) + 1;

/// Where the operands are; the destination is named first.
enum class Form : u8 {
    Implied,           ///< nowhere, or in fixed registers
    ModRmRegister,     ///< r/m, r
    RegisterModRm,     ///< r, r/m
    ModRmImmediate,    ///< r/m, immediate
    ModRm,             ///< r/m alone
    RegistersOnly,     ///< ModRM names two registers whatever its mod bits say (MOV CRn, MOV DRn)
    OffsetAccumulator, ///< [offset], rAX; the decoder turns it into ModRmRegister
    AccumulatorOffset, ///< rAX, [offset]; the decoder turns it into RegisterModRm
};

enum class Width : u8 {
    Byte,
    Operand, ///< 2, 4 or 8 bytes: mode, prefix 66, REX.W
    Port,    ///< 2 or 4 bytes: as Operand, but REX.W means nothing
    Machine, ///< 4 or 8 bytes: the mode alone decides
};

enum class Immediate : u8 {
    None,
    SignedByte,
    UnsignedByte,
    Operand, ///< 2 or 4 bytes, sign-extended to 8 where the operand has 8
};

/// An opcode whose operation depends on ModRM.reg, and which row of `groups` says how.
enum class Group : u8 { None, Arithmetic, Unary, Increment, Move, Descriptor, System, BitTest };

struct Opcode {
    Operation operation = Operation::None;
    Form form = Form::Implied;
    Width width = Width::Operand;
    Immediate immediate = Immediate::None; ///< in a group: of those members whose form has one
    u8 source_bytes = 0;                   ///< width of the source where it is not the destination's
    Group group = Group::None;             ///< says operation and form, if it is not None
};

struct GroupMember {
    Operation operation = Operation::None;
    Form form = Form::Implied;
};

using OpcodeMap = std::array<Opcode, 256>;
using OpcodeGroup = std::array<GroupMember, 8>;

namespace tables {

using enum Operation;
using enum Form;

struct Row {
    u8 opcode;
    Opcode what;
};

constexpr Opcode group(Group which, Width width = Width::Operand, Immediate immediate = Immediate::None)
{
    return {.width = width, .immediate = immediate, .group = which};
}

/// The accumulator-immediate forms, which never touch memory, are left out.
inline constexpr std::array one_byte_rows = std::to_array<Row>({
    {0x63, {Movsx, RegisterModRm, Width::Operand, Immediate::None, 4}}, // MOVSXD; only in 64-bit mode
    {0x6c, {Ins, Implied, Width::Byte}},
    {0x6d, {Ins, Implied, Width::Port}},
    {0x6e, {Outs, Implied, Width::Byte}},
    {0x6f, {Outs, Implied, Width::Port}},
    {0x80, group(Group::Arithmetic, Width::Byte, Immediate::SignedByte)},
    {0x81, group(Group::Arithmetic, Width::Operand, Immediate::Operand)},
    {0x83, group(Group::Arithmetic, Width::Operand, Immediate::SignedByte)},
    {0x84, {Test, ModRmRegister, Width::Byte}},
    {0x85, {Test, ModRmRegister}},
    {0x86, {Xchg, ModRmRegister, Width::Byte}},
    {0x87, {Xchg, ModRmRegister}},
    {0x88, {Mov, ModRmRegister, Width::Byte}},
    {0x89, {Mov, ModRmRegister}},
    {0x8a, {Mov, RegisterModRm, Width::Byte}},
    {0x8b, {Mov, RegisterModRm}},
    {0x90, {Pause}}, // only with prefix F3
    {0xa0, {Mov, AccumulatorOffset, Width::Byte}},
    {0xa1, {Mov, AccumulatorOffset}},
    {0xa2, {Mov, OffsetAccumulator, Width::Byte}},
    {0xa3, {Mov, OffsetAccumulator}},
    {0xa4, {Movs, Implied, Width::Byte}},
    {0xa5, {Movs}},
    {0xaa, {Stos, Implied, Width::Byte}},
    {0xab, {Stos}},
    {0xac, {Lods, Implied, Width::Byte}},
    {0xad, {Lods}},
    {0xc6, group(Group::Move, Width::Byte, Immediate::SignedByte)},
    {0xc7, group(Group::Move, Width::Operand, Immediate::Operand)},
    {0xcc, {Int3}},
    {0xcd, {Int, Implied, Width::Operand, Immediate::UnsignedByte}},
    {0xe4, {In, Implied, Width::Byte, Immediate::UnsignedByte}},
    {0xe5, {In, Implied, Width::Port, Immediate::UnsignedByte}},
    {0xe6, {Out, Implied, Width::Byte, Immediate::UnsignedByte}},
    {0xe7, {Out, Implied, Width::Port, Immediate::UnsignedByte}},
    {0xec, {In, Implied, Width::Byte}},
    {0xed, {In, Implied, Width::Port}},
    {0xee, {Out, Implied, Width::Byte}},
    {0xef, {Out, Implied, Width::Port}},
    {0xf1, {Icebp}},
    {0xf4, {Hlt}},
    {0xf6, group(Group::Unary, Width::Byte, Immediate::SignedByte)},
    {0xf7, group(Group::Unary, Width::Operand, Immediate::Operand)},
    {0xfe, group(Group::Increment, Width::Byte)},
    {0xff, group(Group::Increment)},
});

/// Opcodes after 0F.
inline constexpr std::array two_byte_rows = std::to_array<Row>({
    {0x00, group(Group::Descriptor)},
    {0x01, group(Group::System)},
    {0x06, {Clts}},
    {0x08, {Invd}},
    {0x09, {Wbinvd}}, // and WBNOINVD, with prefix F3
    {0x20, {MovFromControl, RegistersOnly, Width::Machine}},
    {0x21, {MovFromDebug, RegistersOnly, Width::Machine}},
    {0x22, {MovToControl, RegistersOnly, Width::Machine}},
    {0x23, {MovToDebug, RegistersOnly, Width::Machine}},
    {0x30, {Wrmsr}},
    {0x31, {Rdtsc}},
    {0x32, {Rdmsr}},
    {0x33, {Rdpmc}},
    {0xa2, {Cpuid}},
    {0xa3, {Bt, ModRmRegister}},
    {0xaa, {Rsm}},
    {0xab, {Bts, ModRmRegister}},
    {0xb3, {Btr, ModRmRegister}},
    {0xb6, {Movzx, RegisterModRm, Width::Operand, Immediate::None, 1}},
    {0xb7, {Movzx, RegisterModRm, Width::Operand, Immediate::None, 2}},
    {0xba, group(Group::BitTest, Width::Operand, Immediate::UnsignedByte)},
    {0xbb, {Btc, ModRmRegister}},
    {0xbe, {Movsx, RegisterModRm, Width::Operand, Immediate::None, 1}},
    {0xbf, {Movsx, RegisterModRm, Width::Operand, Immediate::None, 2}},
});

/// 0F 01 with a ModRM byte that names a register: the whole byte is an opcode extension.
inline constexpr std::array system_register_rows = std::to_array<Row>({
    {0xc1, {Vmcall}},
    {0xc8, {Monitor}},
    {0xc9, {Mwait}},
    {0xd1, {Xsetbv}},
    {0xd8, {Vmrun}},
    {0xd9, {Vmmcall}},
    {0xda, {Vmload}},
    {0xdb, {Vmsave}},
    {0xdc, {Stgi}},
    {0xdd, {Clgi}},
    {0xde, {Skinit}},
    {0xdf, {Invlpga}},
    {0xf9, {Rdtscp}},
    {0xfa, {Monitorx}},
    {0xfb, {Mwaitx}},
    {0xfd, {Rdpru}},
});

inline constexpr std::array<OpcodeGroup, 8> group_rows{
    OpcodeGroup{},
    OpcodeGroup{{{Add, ModRmImmediate},
                 {Or, ModRmImmediate},
                 {Adc, ModRmImmediate},
                 {Sbb, ModRmImmediate},
                 {And, ModRmImmediate},
                 {Sub, ModRmImmediate},
                 {Xor, ModRmImmediate},
                 {Cmp, ModRmImmediate}}},
    OpcodeGroup{{{Test, ModRmImmediate}, {}, {Not, ModRm}, {Neg, ModRm}}},
    OpcodeGroup{{{Inc, ModRm}, {Dec, ModRm}}},
    OpcodeGroup{{{Mov, ModRmImmediate}}},
    OpcodeGroup{{{Sldt, ModRm}, {Str, ModRm}, {Lldt, ModRm}, {Ltr, ModRm}}},
    OpcodeGroup{{{Sgdt, ModRm},
                 {Sidt, ModRm},
                 {Lgdt, ModRm},
                 {Lidt, ModRm},
                 {Smsw, ModRm},
                 {},
                 {Lmsw, ModRm},
                 {Invlpg, ModRm}}},
    OpcodeGroup{
        {{}, {}, {}, {}, {Bt, ModRmImmediate}, {Bts, ModRmImmediate}, {Btr, ModRmImmediate}, {Btc, ModRmImmediate}}},
};

consteval OpcodeMap map_of(auto const& rows)
{
    OpcodeMap map{};
    for (Row const& row : rows) map[row.opcode] = row.what;
    return map;
}

/// 00-3F: eight operations with the same four forms each, in the order of the group that 80-83 use.
consteval OpcodeMap one_byte_map()
{
    OpcodeMap map = map_of(one_byte_rows);
    for (size_t i = 0; i < 8; ++i) {
        Operation const operation = group_rows[std::to_underlying(Group::Arithmetic)][i].operation;
        map[i * 8 + 0] = {operation, ModRmRegister, Width::Byte};
        map[i * 8 + 1] = {operation, ModRmRegister};
        map[i * 8 + 2] = {operation, RegisterModRm, Width::Byte};
        map[i * 8 + 3] = {operation, RegisterModRm};
    }
    return map;
}

consteval OpcodeMap system_register_map()
{
    OpcodeMap map = map_of(system_register_rows);
    for (size_t register_number = 0; register_number < 8; ++register_number) {
        map[0xe0 + register_number] = {Smsw, ModRm};
        map[0xf0 + register_number] = {Lmsw, ModRm};
    }
    return map;
}

}

inline constexpr OpcodeMap one_byte_map = tables::one_byte_map();
inline constexpr OpcodeMap two_byte_map = tables::map_of(tables::two_byte_rows);

/// 0F 01 with a register, by the whole ModRM byte (C0-FF).
inline constexpr OpcodeMap system_register_map = tables::system_register_map();

/// By Group, then by ModRM.reg.
inline constexpr std::array groups = tables::group_rows;
static_assert(groups.size() == std::to_underlying(Group::BitTest) + 1);

}
