// SPDX-License-Identifier: MIT
/// The decoder against the assembler: lengths, truncation, and the meaning of the bytes.
#include "arch/x86_64/emulator/decode.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "tests/unit/arch/x86_64/emulator/assembled_samples.hpp"

namespace hospes::emulator::test {
namespace {

Instruction decoded(std::vector<u8> const& bytes, Mode mode = Mode::Bits64)
{
    auto const instruction = decode(bytes, mode);
    EXPECT_TRUE(instruction.has_value());
    EXPECT_EQ(instruction.value_or(Instruction{}).length, bytes.size());
    return instruction.value_or(Instruction{});
}

DecodeError error_of(std::vector<u8> const& bytes, Mode mode = Mode::Bits64)
{
    auto const instruction = decode(bytes, mode);
    return instruction ? DecodeError{0xff} : instruction.error();
}

/// What the table rows are called by: map (0 one-byte, 1 after 0F, 2 after 0F 01 with a register), opcode, and
/// ModRM.reg where the row is a group.
struct RowName {
    unsigned map, opcode, reg;
    auto operator<=>(RowName const&) const = default;
};

void add_names(std::set<RowName>& names, unsigned map_number, OpcodeMap const& map)
{
    for (unsigned opcode = 0; opcode < 256; ++opcode) {
        if (map[opcode].operation != Operation::None) names.insert({map_number, opcode, 0});
        if (map[opcode].group == Group::None) continue;
        OpcodeGroup const& group = groups[std::to_underlying(map[opcode].group)];
        for (unsigned reg = 0; reg < 8; ++reg)
            if (group[reg].operation != Operation::None) names.insert({map_number, opcode, reg});
    }
}

std::set<RowName> all_rows()
{
    std::set<RowName> names;
    add_names(names, 0, one_byte_map);
    add_names(names, 1, two_byte_map);
    for (unsigned modrm = 0; modrm < 256; ++modrm)
        if (system_register_map[modrm].operation != Operation::None) names.insert({2, modrm & 0xf8, modrm & 7});
    return names;
}

bool is_prefix(u8 byte, Mode mode)
{
    constexpr std::array prefixes =
        std::to_array<u8>({0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3});
    return std::ranges::contains(prefixes, byte) || (mode == Mode::Bits64 && byte >> 4 == 4);
}

/// An independent, plainer reading of where a sample's row is.
RowName row_of(Sample const& sample)
{
    u8 const* byte = sample.bytes;
    while (is_prefix(*byte, sample.mode())) ++byte;
    unsigned const map = *byte == 0x0f ? 1 : 0;
    byte += map;
    OpcodeMap const& opcodes = map == 1 ? two_byte_map : one_byte_map;
    if (opcodes[byte[0]].group == Group::None) return {map, byte[0], 0};
    if (map == 1 && byte[0] == 0x01 && byte[1] >= 0xc0) return {2, byte[1] & 0xf8u, byte[1] & 7u};
    return {map, byte[0], byte[1] >> 3 & 7u};
}

TEST(Decode, EverySampleHasTheLengthTheAssemblerGaveIt)
{
    ASSERT_GT(good_samples().size(), 4000u);
    for (Sample const& sample : good_samples()) {
        auto const instruction = decode(sample.span(), sample.mode());
        ASSERT_TRUE(instruction.has_value()) << sample.name();
        EXPECT_EQ(instruction->length, sample.length) << sample.name();
    }
}

TEST(Decode, EveryRowOfTheTablesHasASample)
{
    std::set<RowName> missing = all_rows();
    for (Sample const& sample : good_samples()) missing.erase(row_of(sample));
    for (unsigned reg = 1; reg < 8; ++reg) { // SMSW and LMSW do not care which register
        missing.erase({2, 0xe0, reg});
        missing.erase({2, 0xf0, reg});
    }
    for (RowName const& name : missing)
        ADD_FAILURE() << "no sample for map " << name.map << " opcode " << name.opcode << " /" << name.reg;
}

TEST(Decode, EveryTruncatedSampleNeedsMoreBytes)
{
    for (Sample const& sample : good_samples())
        for (size_t length = 0; length < sample.length; ++length) {
            std::vector<u8> const exact(sample.bytes, sample.bytes + length); // so that ASan sees any byte too many
            EXPECT_EQ(error_of(exact, sample.mode()), DecodeError::NeedMoreBytes) << sample.name() << " / " << length;
        }
}

TEST(Decode, BytesBehindTheInstructionDoNotMatter)
{
    for (Sample const& sample : good_samples())
        for (u8 const filler : {0x00, 0x66, 0xff}) {
            std::vector<u8> bytes(sample.bytes, sample.bytes + sample.length);
            bytes.resize(32, filler);
            auto const instruction = decode(bytes, sample.mode());
            ASSERT_TRUE(instruction.has_value()) << sample.name();
            EXPECT_EQ(instruction->length, sample.length) << sample.name();
        }
}

TEST(Decode, WhatIsNotInTheTablesIsRefused)
{
    ASSERT_GT(refused_samples().size(), 20u);
    for (Sample const& sample : refused_samples()) {
        std::vector<u8> const exact(sample.bytes, sample.bytes + sample.length);
        EXPECT_EQ(error_of(exact, sample.mode()), DecodeError::CannotDecode) << sample.name();
    }
}

TEST(Decode, FifteenBytesAreTheLimit)
{
    std::vector<u8> longest(13, 0x66);
    longest.insert(longest.end(), {0x0f, 0xa2}); // CPUID
    EXPECT_EQ(decoded(longest).operation, Operation::Cpuid);
    longest.insert(longest.begin(), 0x66);
    EXPECT_EQ(error_of(longest), DecodeError::TooLong);
    EXPECT_EQ(error_of(std::vector<u8>(15, 0x66)), DecodeError::TooLong);
    EXPECT_EQ(error_of(std::vector<u8>(14, 0x66)), DecodeError::NeedMoreBytes);
    EXPECT_EQ(error_of({}), DecodeError::NeedMoreBytes);
}

TEST(Decode, OperandWidths)
{
    EXPECT_EQ(decoded({0x89, 0x03}, Mode::Bits16).operand_bytes, 2);
    EXPECT_EQ(decoded({0x66, 0x89, 0x03}, Mode::Bits16).operand_bytes, 4);
    EXPECT_EQ(decoded({0x89, 0x03}, Mode::Bits32).operand_bytes, 4);
    EXPECT_EQ(decoded({0x66, 0x89, 0x03}, Mode::Bits32).operand_bytes, 2);
    EXPECT_EQ(decoded({0x89, 0x03}).operand_bytes, 4);
    EXPECT_EQ(decoded({0x66, 0x48, 0x89, 0x03}).operand_bytes, 8);
    EXPECT_EQ(decoded({0x48, 0x66, 0x89, 0x03}).operand_bytes, 2);
    EXPECT_EQ(decoded({0x48, 0xef}).operand_bytes, 4);
    EXPECT_EQ(decoded({0x0f, 0x20, 0xc0}).operand_bytes, 8);
    EXPECT_EQ(decoded({0x0f, 0xb6, 0x03}).source_bytes, 1);
    EXPECT_EQ(decoded({0x66, 0x63, 0x03}).source_bytes, 2);
}

TEST(Decode, MemoryOperands)
{
    auto const scaled = decoded({0x43, 0x8b, 0x44, 0xa5, 0xf0}).memory.value(); // mov -0x10(%r13,%r12,4), %eax
    EXPECT_EQ(scaled.base, Gpr::R13);
    EXPECT_EQ(scaled.index, Gpr::R12);
    EXPECT_EQ(scaled.scale, 4);
    EXPECT_EQ(scaled.displacement, -0x10);
    EXPECT_EQ(scaled.segment, Segment::Ds);

    auto const on_stack = decoded({0x8b, 0x04, 0x24}).memory.value(); // mov (%rsp), %eax
    EXPECT_EQ(on_stack.base, Gpr::Rsp);
    EXPECT_FALSE(on_stack.index);
    EXPECT_EQ(on_stack.segment, Segment::Ss);

    EXPECT_TRUE(decoded({0x8b, 0x05, 1, 2, 3, 4}).memory.value().rip_relative);
    EXPECT_FALSE(decoded({0x8b, 0x05, 1, 2, 3, 4}, Mode::Bits32).memory.value().rip_relative);
    EXPECT_FALSE(decoded({0x8b, 0x04, 0x25, 1, 2, 3, 4}).memory.value().rip_relative);

    auto const real_mode = decoded({0x8b, 0x42, 0x80}, Mode::Bits16).memory.value(); // mov -0x80(%bp,%si), %ax
    EXPECT_EQ(real_mode.base, Gpr::Rbp);
    EXPECT_EQ(real_mode.index, Gpr::Rsi);
    EXPECT_EQ(real_mode.displacement, -0x80);
    EXPECT_EQ(real_mode.segment, Segment::Ss);
}

TEST(Decode, SegmentOverrides)
{
    EXPECT_EQ(decoded({0x65, 0x8b, 0x03}).memory.value().segment, Segment::Gs);
    EXPECT_EQ(decoded({0x65, 0x2e, 0x8b, 0x03}).memory.value().segment, Segment::Gs); // CS: ignored in 64-bit mode
    EXPECT_EQ(decoded({0x65, 0x2e, 0x8b, 0x03}, Mode::Bits32).memory.value().segment, Segment::Cs);
    EXPECT_EQ(decoded({0x64, 0x65, 0x8b, 0x03}).memory.value().segment, Segment::Gs);
    EXPECT_EQ(decoded({0x64, 0xa4}).source_segment, Segment::Fs);
}

TEST(Decode, Immediates)
{
    EXPECT_EQ(decoded({0xc7, 0x03, 0xff, 0xff, 0xff, 0xff}).immediate, -1);
    EXPECT_EQ(decoded({0x66, 0xc7, 0x03, 0xfe, 0xff}).immediate, -2);
    EXPECT_EQ(decoded({0x83, 0x03, 0x80}).immediate, -128);
    EXPECT_EQ(decoded({0xe4, 0x80}).immediate, 0x80);
    EXPECT_EQ(decoded({0xcd, 0xff}).immediate, 0xff);
}

TEST(Decode, ControlRegisterNumbers)
{
    EXPECT_EQ(decoded({0x44, 0x0f, 0x20, 0xc1}).reg, Gpr{8}); // mov %cr8, %rcx
    EXPECT_EQ(decoded({0xf0, 0x0f, 0x20, 0xc1}, Mode::Bits32).reg, Gpr{8});
    EXPECT_EQ(decoded({0x41, 0x0f, 0x22, 0xdf}).rm, Gpr::R15); // mov %r15, %cr3
    EXPECT_EQ(decoded({0x41, 0x0f, 0x22, 0xdf}).reg, Gpr{3});
}

/// No input of two bytes does anything but return; ASan and UBSan watch.
TEST(Decode, AllShortInputsAreSafe)
{
    for (Mode const mode : {Mode::Bits16, Mode::Bits32, Mode::Bits64})
        for (unsigned value = 0; value < 1u << 16; ++value) {
            std::vector<u8> bytes{static_cast<u8>(value), static_cast<u8>(value >> 8)};
            auto const instruction = decode(bytes, mode);
            if (instruction) EXPECT_LE(instruction->length, 2);
        }
}

}
}
