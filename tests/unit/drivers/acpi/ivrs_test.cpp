// SPDX-License-Identifier: MIT
/// An IVRS that tells a consistent story is understood; one that lies anywhere is not believed at all.
#include <gtest/gtest.h>

#include "drivers/acpi/ivrs.hpp"
#include "tests/fakes/fake_firmware.hpp"

namespace hospes::acpi {
namespace {

using test::append;
using test::Bytes;
using test::FakeFirmware;

constexpr u64 base = 0xE0000, root_at = 0xE0000, xsdt_at = 0xE0100, ivrs_at = 0xE1000;
constexpr std::array memory_map{
    boot::MemoryRange{Hpa{0}, 0x7000'0000, boot::MemoryKind::Usable},
    boot::MemoryRange{Hpa{0x7000'0000}, 0x1000'0000, boot::MemoryKind::Reserved},
};
constexpr u64 registers = 0xFED8'0000;

Bytes hardware(u8 kind, u64 where, Bytes const& entries, u16 segment = 0)
{
    size_t const header = kind == 0x10 ? 24 : 40;
    Bytes bytes{kind, 0x20};
    append(bytes, static_cast<u16>(header + entries.size()));
    append(bytes, u16{0x10});
    append(bytes, u16{0x40});
    append(bytes, where);
    append(bytes, segment);
    bytes.resize(header);
    bytes.insert(bytes.end(), entries.begin(), entries.end());
    return bytes;
}

Bytes memory_block(u64 start, u64 size)
{
    Bytes bytes{0x20, 0x07, 32, 0};
    bytes.resize(16);
    append(bytes, start);
    append(bytes, size);
    return bytes;
}

Judged<Ivrs> judge(std::initializer_list<Bytes> blocks, u32 information = 40 << 8)
{
    Bytes body;
    append(body, information);
    append(body, u64{0});
    for (Bytes const& one : blocks) body.insert(body.end(), one.begin(), one.end());
    FakeFirmware memory{base, 0x20000};
    Bytes entries;
    append(entries, ivrs_at);
    test::place(memory, ivrs_at, test::make_table("IVRS", body));
    test::place(memory, xsdt_at, test::make_table("XSDT", entries));
    test::place_root_pointer(memory, root_at, 2, 0, xsdt_at);
    return parse_ivrs(Tables::discover(memory, Hpa{root_at}), memory_map);
}

TEST(Ivrs, AsQemuWritesIt)
{
    Bytes const entries{2, 0x08, 0, 0, 2, 0x10, 0, 0, 0x48, 0, 0, 0, 3, 0xA0, 0, 1};
    auto const ivrs = judge({hardware(0x10, registers, entries)});
    ASSERT_TRUE(ivrs) << ivrs.error().why;
    ASSERT_EQ(ivrs->units.size(), 1u);
    EXPECT_EQ(ivrs->units[0].registers, Hpa{registers});
    EXPECT_EQ(ivrs->units[0].function, 0x10);
    EXPECT_EQ(ivrs->units[0].capability, 0x40);
    ASSERT_EQ(ivrs->io_apics.size(), 1u);
    EXPECT_EQ(ivrs->io_apics[0].id, 3);
    EXPECT_EQ(ivrs->io_apics[0].requester, 0xA0);
}

TEST(Ivrs, AliasesOfOneAndOfMany)
{
    Bytes const entries{66, 0x00, 2, 0, 0, 0x20, 1, 0, 67, 0x08, 2, 0, 0, 0x30, 1, 0, 4, 0x10, 2, 0};
    auto const ivrs = judge({hardware(0x11, registers, entries)});
    ASSERT_TRUE(ivrs) << ivrs.error().why;
    EXPECT_EQ(ivrs->requester_of(0x200), 0x120);
    EXPECT_EQ(ivrs->requester_of(0x20F), 0x130);
    EXPECT_EQ(ivrs->requester_of(0x211), 0x211);
}

TEST(Ivrs, TheNewestDescriptionCounts)
{
    Bytes const old_one{0x48, 0, 0, 0, 3, 0xA0, 0, 1};
    Bytes const new_one{0x48, 0, 0, 0, 4, 0xA1, 0, 1};
    auto const ivrs = judge({hardware(0x10, registers, old_one), hardware(0x11, registers, new_one)});
    ASSERT_TRUE(ivrs) << ivrs.error().why;
    EXPECT_EQ(ivrs->units.size(), 1u);
    ASSERT_EQ(ivrs->io_apics.size(), 1u);
    EXPECT_EQ(ivrs->io_apics[0].id, 4);
}

TEST(Ivrs, ThingsMustFit)
{
    EXPECT_TRUE(judge({}).error().is_absent);
    EXPECT_FALSE(judge({hardware(0x10, 0, {})})) << "no registers";
    EXPECT_FALSE(judge({hardware(0x10, 0x10'0000, {})})) << "registers in RAM";
    EXPECT_FALSE(judge({hardware(0x10, registers, {}), hardware(0x10, registers + 0x1000, {})})) << "overlap";
    EXPECT_FALSE(judge({hardware(0x10, registers, {}, 7)})) << "another segment";
    EXPECT_FALSE(judge({hardware(0x10, registers, {2, 0, 0})})) << "an entry cut off";
    EXPECT_FALSE(judge({hardware(0x10, registers, {0x48, 0, 0, 0, 3, 0xA0, 0})})) << "a long entry cut off";
    EXPECT_FALSE(judge({hardware(0x10, registers, {67, 8, 2, 0, 0, 9, 1, 0, 4, 1, 2, 0})})) << "backwards";
    EXPECT_FALSE(judge({hardware(0x10, registers, {}), {0x20, 0, 2, 0}})) << "a block of no length";
    EXPECT_FALSE(judge({hardware(0x10, registers, {})}, 20 << 8)) << "20 bits of address";
}

/// The verdict says what is wrong, not only that something is.
TEST(Ivrs, EachLieIsNamed)
{
    struct Lie {
        std::initializer_list<Bytes> blocks;
        std::string_view why;
        u32 information = 40 << 8;
    };
    for (Lie const& lie : {
             Lie{{hardware(0x10, 0, {})}, "its registers are at an impossible address"},
             Lie{{hardware(0x10, ~u64{0}, {})}, "its registers are at an impossible address"},
             Lie{{hardware(0x10, 0x10'0000, {})}, "its registers lie in RAM"},
             Lie{{hardware(0x10, registers, {}), hardware(0x10, registers + 0x1000, {})},
                 "IVRS: the registers of two units overlap"},
             Lie{{hardware(0x10, registers, {}), memory_block(0x6000'0000, 0x1000)},
                 "a demanded region lies in memory that is not reserved"},
             Lie{{hardware(0x10, registers, {}), memory_block(0x7100'0000, ~u64{0})},
                 "a demanded region has no sane end"},
             Lie{{hardware(0x10, registers, {}), memory_block(0x7100'0000, 0)},
                 "IVRS: a memory block is cut off or empty"},
             Lie{{hardware(0x10, registers, {}), {0x20, 0, 2, 0}}, "IVRS: a block is cut off"},
             Lie{{hardware(0x10, registers, {2, 0, 0})}, "IVRS: a device entry is cut off"},
             Lie{{hardware(0x10, registers, {67, 8, 2, 0, 0, 9, 1, 0, 4, 1, 2, 0})},
                 "IVRS: a range of devices ends before it starts"},
             Lie{{hardware(0x10, registers, {})}, "IVRS: impossible address width", 20 << 8},
         }) {
        auto const ivrs = judge(lie.blocks, lie.information);
        ASSERT_FALSE(ivrs) << lie.why;
        EXPECT_EQ(ivrs.error().why, lie.why);
        EXPECT_FALSE(ivrs.error().is_absent);
    }
}

TEST(Ivrs, RegionsMustBeReserved)
{
    auto const good = judge({hardware(0x10, registers, {}), memory_block(0x7100'0000, 0x1000)});
    ASSERT_TRUE(good) << good.error().why;
    EXPECT_EQ(good->regions.size(), 1u);
    EXPECT_FALSE(judge({hardware(0x10, registers, {}), memory_block(0x6000'0000, 0x1000)}));
    EXPECT_FALSE(judge({hardware(0x10, registers, {}), memory_block(0x7100'0000, 0)}));
    EXPECT_FALSE(judge({hardware(0x10, registers, {}), memory_block(0x7100'0000, ~u64{0})}));
}

}
}
