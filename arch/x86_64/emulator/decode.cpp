// SPDX-License-Identifier: MIT
/// The decoder: prefixes, opcode, ModRM, immediate, in the order of the bytes. (SDM vol. 2, chapter 2)
#include "arch/x86_64/emulator/decode.hpp"

#include <algorithm>
#include <array>

#include "kernel/lib/bit_register.hpp"

namespace hospes::emulator {

namespace {

struct Rex : Register<Rex> {
    using Register::Register;
    using W = Field<Rex, 3>;
    using R = Field<Rex, 2, 2, u8>;
    using X = Field<Rex, 1, 1, u8>;
    using B = Field<Rex, 0, 0, u8>;
};

struct ModRm : Register<ModRm> {
    using Register::Register;
    using Mod = Field<ModRm, 7, 6, u8>;
    using Reg = Field<ModRm, 5, 3, u8>;
    using Rm = Field<ModRm, 2, 0, u8>;
};

struct Sib : Register<Sib> {
    using Register::Register;
    using Scale = Field<Sib, 7, 6, u8>;
    using Index = Field<Sib, 5, 3, u8>;
    using Base = Field<Sib, 2, 0, u8>;
};

constexpr u8 mod_register = 3;       // ModRM.mod: r/m is a register
constexpr u8 rm_sib = 4;             // ModRM.rm: a SIB byte follows
constexpr u8 rm_displacement = 5;    // ModRM.rm or SIB.base with mod 0: no base, four bytes of displacement
constexpr u8 rm_displacement_16 = 6; // the same with 16-bit addresses
constexpr u8 prefix_operand_size = 0x66;
constexpr u8 prefix_address_size = 0x67;
constexpr u8 prefix_lock = 0xf0;
constexpr u8 prefix_repeat_not_equal = 0xf2;
constexpr u8 prefix_repeat = 0xf3;
constexpr u8 two_byte_escape = 0x0f;
constexpr u8 movsxd_opcode = 0x63; // outside of 64-bit mode: ARPL

struct SegmentPrefix {
    u8 byte;
    Segment segment;
};

constexpr std::array segment_prefixes = std::to_array<SegmentPrefix>({
    {0x26, Segment::Es},
    {0x2e, Segment::Cs},
    {0x36, Segment::Ss},
    {0x3e, Segment::Ds},
    {0x64, Segment::Fs},
    {0x65, Segment::Gs},
});

struct Address16 {
    Gpr base;
    std::optional<Gpr> index;
};

/// The eight address forms of 16-bit code, by ModRM.rm. (SDM vol. 2, table 2-1)
constexpr std::array<Address16, 8> addresses_16{{
    {Gpr::Rbx, Gpr::Rsi},
    {Gpr::Rbx, Gpr::Rdi},
    {Gpr::Rbp, Gpr::Rsi},
    {Gpr::Rbp, Gpr::Rdi},
    {Gpr::Rsi, {}},
    {Gpr::Rdi, {}},
    {Gpr::Rbp, {}},
    {Gpr::Rbx, {}},
}};

[[nodiscard]] constexpr Gpr register_of(u8 low_bits, u8 extension) { return Gpr(low_bits | extension << 3); }

[[nodiscard]] constexpr bool has_modrm(Opcode const& opcode)
{
    return opcode.group != Group::None || (opcode.form >= Form::ModRmRegister && opcode.form <= Form::RegistersOnly);
}

/// Bytes are taken one by one; past the end they read as zero and the decoder remembers that it ran out, so that no
/// step in between needs to check.
class Decoder {
public:
    Decoder(std::span<u8 const> bytes, Mode mode) : bytes_{bytes.first(std::min(bytes.size(), max_instruction_bytes))}
    {
        result_.mode = mode;
    }

    std::expected<Instruction, DecodeError> run()
    {
        bool const known = decode_all();
        if (ran_out_)
            return std::unexpected{bytes_.size() < max_instruction_bytes ? DecodeError::NeedMoreBytes
                                                                         : DecodeError::TooLong};
        if (!known) return std::unexpected{DecodeError::CannotDecode};
        result_.length = static_cast<u8>(position_);
        return result_;
    }

private:
    [[nodiscard]] bool decode_all();
    void take_prefixes();
    [[nodiscard]] bool accept_prefix(u8 byte);
    [[nodiscard]] Opcode take_opcode();
    void decide_widths(Opcode const& opcode);
    void take_operands(Opcode const& opcode);
    void take_memory();
    void take_memory_16(MemoryOperand& memory);
    void take_sib(MemoryOperand& memory);
    void take_offset();
    void take_immediate(Immediate kind);
    [[nodiscard]] bool prefixes_fit() const;

    [[nodiscard]] bool is_64_bit() const { return result_.mode == Mode::Bits64; }
    [[nodiscard]] Segment segment_or(Segment fallback) const { return segment_.value_or(fallback); }

    [[nodiscard]] u8 peek()
    {
        if (position_ < bytes_.size()) return bytes_[position_];
        ran_out_ = true;
        return 0;
    }

    [[nodiscard]] u8 take()
    {
        u8 const byte = peek();
        position_ += ran_out_ ? 0 : 1;
        return byte;
    }

    [[nodiscard]] u64 take_unsigned(unsigned count)
    {
        u64 value = 0;
        for (unsigned i = 0; i < count; ++i) value |= u64{take()} << (8 * i);
        return value;
    }

    [[nodiscard]] s64 take_signed(unsigned count)
    {
        unsigned const unused_bits = 64 - 8 * count;
        return static_cast<s64>(take_unsigned(count) << unused_bits) >> unused_bits;
    }

    std::span<u8 const> bytes_;
    size_t position_ = 0;
    bool ran_out_ = false;
    std::optional<Segment> segment_;
    bool operand_size_prefix_ = false;
    bool address_size_prefix_ = false;
    bool lock_prefix_ = false;
    u8 last_repeat_prefix_ = 0;
    Rex rex_;
    ModRm modrm_;
    Instruction result_;
};

bool Decoder::decode_all()
{
    take_prefixes();
    Opcode const opcode = take_opcode();
    if (opcode.operation == Operation::None) return false;
    result_.operation = opcode.operation;
    result_.form = opcode.form;
    result_.source_segment = segment_or(Segment::Ds);
    decide_widths(opcode);
    take_operands(opcode);
    take_immediate(opcode.immediate);
    return prefixes_fit();
}

void Decoder::take_prefixes()
{
    for (;;) {
        u8 const byte = peek();
        bool const is_rex = is_64_bit() && (byte & 0xf0) == 0x40;
        if (!is_rex && !accept_prefix(byte)) return;
        // A REX counts only directly before the opcode; one before another prefix is lost. (SDM vol. 2, 2.2.1)
        result_.has_rex = is_rex;
        rex_ = Rex{is_rex ? byte : u64{0}};
        position_ += 1;
    }
}

bool Decoder::accept_prefix(u8 byte)
{
    if (auto const found = std::ranges::find(segment_prefixes, byte, &SegmentPrefix::byte);
        found != segment_prefixes.end()) {
        // 64-bit mode ignores the others, also where they come after FS or GS. (APM vol. 3, 1.2.4)
        if (!is_64_bit() || found->segment >= Segment::Fs) segment_ = found->segment;
        return true;
    }
    operand_size_prefix_ |= byte == prefix_operand_size;
    address_size_prefix_ |= byte == prefix_address_size;
    lock_prefix_ |= byte == prefix_lock;
    bool const is_repeat = byte == prefix_repeat || byte == prefix_repeat_not_equal;
    if (is_repeat) last_repeat_prefix_ = byte;
    result_.repeat |= is_repeat;
    return is_repeat || byte == prefix_operand_size || byte == prefix_address_size || byte == prefix_lock;
}

/// The row of the opcode, with groups resolved; leaves the position at the first byte of displacement or immediate.
Opcode Decoder::take_opcode()
{
    u8 const first = take();
    if (first == movsxd_opcode && !is_64_bit()) return {};
    Opcode opcode = first == two_byte_escape ? two_byte_map[take()] : one_byte_map[first];
    if (!has_modrm(opcode)) return opcode;
    modrm_ = ModRm{take()};
    if (opcode.group == Group::None) return opcode;
    if (opcode.group == Group::System && modrm_.get<ModRm::Mod>() == mod_register)
        return system_register_map[modrm_.raw()];
    GroupMember const member = groups[std::to_underlying(opcode.group)][modrm_.get<ModRm::Reg>()];
    opcode.operation = member.operation;
    opcode.form = member.form;
    if (member.form != Form::ModRmImmediate) opcode.immediate = Immediate::None;
    return opcode;
}

void Decoder::decide_widths(Opcode const& opcode)
{
    bool const small_default = result_.mode == Mode::Bits16;
    u8 const without_rex = small_default != operand_size_prefix_ ? 2 : 4;
    u8 const with_rex = rex_.get<Rex::W>() ? 8 : without_rex;
    std::array<u8, 4> const by_width{1, with_rex, without_rex, static_cast<u8>(is_64_bit() ? 8 : 4)};
    result_.operand_bytes = by_width[std::to_underlying(opcode.width)];
    result_.source_bytes =
        opcode.source_bytes != 0 ? std::min(opcode.source_bytes, result_.operand_bytes) : result_.operand_bytes;
    if (is_64_bit())
        result_.address_bytes = address_size_prefix_ ? 4 : 8;
    else
        result_.address_bytes = small_default != address_size_prefix_ ? 2 : 4;
}

void Decoder::take_operands(Opcode const& opcode)
{
    if (opcode.form == Form::OffsetAccumulator || opcode.form == Form::AccumulatorOffset) return take_offset();
    if (!has_modrm(opcode)) return;
    result_.reg = register_of(modrm_.get<ModRm::Reg>(), rex_.get<Rex::R>());
    result_.rm = register_of(modrm_.get<ModRm::Rm>(), rex_.get<Rex::B>());
    if (opcode.form == Form::RegistersOnly) {
        // LOCK MOV CR0 is how AMD reaches CR8 outside of 64-bit mode. (APM vol. 3, MOV CRn)
        if (lock_prefix_ && result_.reg == Gpr::Rax) result_.reg = Gpr::R8;
        return;
    }
    if (modrm_.get<ModRm::Mod>() != mod_register) take_memory();
}

void Decoder::take_memory()
{
    MemoryOperand& memory = result_.memory.emplace();
    u8 const mod = modrm_.get<ModRm::Mod>();
    u8 const rm = modrm_.get<ModRm::Rm>();
    if (result_.address_bytes == 2) return take_memory_16(memory);
    if (rm == rm_sib)
        take_sib(memory);
    else if (mod != 0 || rm != rm_displacement)
        memory.base = register_of(rm, rex_.get<Rex::B>());
    else
        memory.rip_relative = is_64_bit();
    if (memory.base == Gpr::Rsp || memory.base == Gpr::Rbp) memory.segment = Segment::Ss;
    memory.segment = segment_or(memory.segment);
    if (mod == 1) memory.displacement = take_signed(1);
    if (mod == 2 || !memory.base) memory.displacement = take_signed(4);
}

void Decoder::take_memory_16(MemoryOperand& memory)
{
    u8 const mod = modrm_.get<ModRm::Mod>();
    u8 const rm = modrm_.get<ModRm::Rm>();
    bool const has_base = mod != 0 || rm != rm_displacement_16;
    if (has_base) {
        memory.base = addresses_16[rm].base;
        memory.index = addresses_16[rm].index;
    }
    memory.segment = segment_or(memory.base == Gpr::Rbp ? Segment::Ss : Segment::Ds);
    if (mod == 1) memory.displacement = take_signed(1);
    if (mod == 2 || !has_base) memory.displacement = take_signed(2);
}

void Decoder::take_sib(MemoryOperand& memory)
{
    Sib const sib{take()};
    Gpr const index = register_of(sib.get<Sib::Index>(), rex_.get<Rex::X>());
    if (index != Gpr::Rsp) memory.index = index; // RSP's number stands for "no index"
    memory.scale = static_cast<u8>(1u << sib.get<Sib::Scale>());
    if (modrm_.get<ModRm::Mod>() != 0 || sib.get<Sib::Base>() != rm_displacement)
        memory.base = register_of(sib.get<Sib::Base>(), rex_.get<Rex::B>());
}

/// MOV between rAX and an absolute address. `reg` stays rAX, also under REX.R.
void Decoder::take_offset()
{
    result_.form = result_.form == Form::OffsetAccumulator ? Form::ModRmRegister : Form::RegisterModRm;
    MemoryOperand& memory = result_.memory.emplace();
    memory.segment = segment_or(Segment::Ds);
    memory.displacement = static_cast<s64>(take_unsigned(result_.address_bytes));
}

void Decoder::take_immediate(Immediate kind)
{
    switch (kind) {
    case Immediate::None: return;
    case Immediate::SignedByte: result_.immediate = take_signed(1); return;
    case Immediate::UnsignedByte: result_.immediate = take(); return;
    case Immediate::Operand: result_.immediate = take_signed(result_.operand_bytes == 2 ? 2 : 4); return;
    }
}

/// The combinations of prefix and opcode that are another instruction or #UD.
bool Decoder::prefixes_fit() const
{
    Operation const operation = result_.operation;
    if (operation == Operation::Pause && (last_repeat_prefix_ != prefix_repeat || rex_.get<Rex::B>() != 0))
        return false;
    if (!lock_prefix_) return true;
    if (operation == Operation::MovFromControl || operation == Operation::MovToControl) return result_.reg == Gpr::R8;
    bool const changes_in_place =
        (operation <= Operation::Btc && writes_destination(operation)) || operation == Operation::Xchg;
    return changes_in_place && result_.memory && result_.form != Form::RegisterModRm;
}

}

std::expected<Instruction, DecodeError> decode(std::span<u8 const> bytes, Mode mode)
{
    return Decoder{bytes, mode}.run();
}

}
