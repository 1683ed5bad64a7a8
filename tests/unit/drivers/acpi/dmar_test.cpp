// SPDX-License-Identifier: MIT
/// A DMAR that tells a consistent story is understood; one that lies anywhere is not believed at all.
#include <gtest/gtest.h>

#include "drivers/acpi/dmar.hpp"
#include "tests/fakes/fake_firmware.hpp"

namespace hospes::acpi {
namespace {

using test::append;
using test::Bytes;
using test::FakeFirmware;

constexpr u64 base = 0xE0000, root_at = 0xE0000, xsdt_at = 0xE0100, dmar_at = 0xE1000;
constexpr std::array memory_map{
    boot::MemoryRange{Hpa{0}, 0x7000'0000, boot::MemoryKind::Usable},
    boot::MemoryRange{Hpa{0x7000'0000}, 0x1000'0000, boot::MemoryKind::Reserved},
    boot::MemoryRange{Hpa{0x1'0000'0000}, 0x1'0000'0000, boot::MemoryKind::Usable},
};

void append_bytes(Bytes& to, std::initializer_list<u8> bytes) { to.insert(to.end(), bytes); }

Bytes unit(u64 registers, u8 flags, Bytes const& scopes, u16 segment = 0)
{
    Bytes bytes;
    append(bytes, u16{0});
    append(bytes, static_cast<u16>(16 + scopes.size()));
    append_bytes(bytes, {flags, 0});
    append(bytes, segment);
    append(bytes, registers);
    bytes.insert(bytes.end(), scopes.begin(), scopes.end());
    return bytes;
}

Bytes region(u64 first, u64 last)
{
    Bytes bytes;
    append(bytes, u16{1});
    append(bytes, u16{24 + 8});
    append(bytes, u32{0});
    append(bytes, first);
    append(bytes, last);
    append_bytes(bytes, {1, 8, 0, 0, 0, 0, 0x1D, 0});
    return bytes;
}

Bytes const io_apic_scope{3, 8, 0, 0, 5, 0xF0, 0x1F, 0};

/// What is made of a DMAR with these structures.
Judged<Dmar> judge(std::initializer_list<Bytes> structures, u8 address_width = 38)
{
    Bytes body{address_width, 1};
    body.resize(12);
    for (Bytes const& one : structures) body.insert(body.end(), one.begin(), one.end());
    FakeFirmware memory{base, 0x20000};
    Bytes entries;
    append(entries, dmar_at);
    test::place(memory, dmar_at, test::make_table("DMAR", body));
    test::place(memory, xsdt_at, test::make_table("XSDT", entries));
    test::place_root_pointer(memory, root_at, 2, 0, xsdt_at);
    return parse_dmar(Tables::discover(memory, Hpa{root_at}), memory_map);
}

constexpr u64 registers = 0xFED9'0000;

TEST(Dmar, OneUnitForEverything)
{
    auto const dmar = judge({unit(registers, 1, io_apic_scope), region(0x7100'0000, 0x7100'1FFF)});
    ASSERT_TRUE(dmar) << dmar.error().why;
    EXPECT_EQ(dmar->address_bits, 39u);
    EXPECT_TRUE(dmar->remaps_interrupts);
    ASSERT_EQ(dmar->units.size(), 1u);
    EXPECT_EQ(dmar->units[0].registers, Hpa{registers});
    ASSERT_EQ(dmar->units[0].io_apics.size(), 1u);
    EXPECT_EQ(dmar->units[0].io_apics[0].id, 5);
    EXPECT_EQ(dmar->units[0].io_apics[0].path.start_bus, 0xF0);
    EXPECT_EQ(dmar->units[0].io_apics[0].path.steps[0].device, 0x1F);
    ASSERT_EQ(dmar->regions.size(), 1u);
    EXPECT_EQ(dmar->regions[0].end(), Hpa{0x7100'2000});
}

TEST(Dmar, UnitsOneAfterTheOther)
{
    Bytes const graphics{1, 8, 0, 0, 0, 0, 2, 0};
    EXPECT_TRUE(judge({unit(registers, 0, graphics), unit(registers + 0x1000, 1, {})}));
    EXPECT_FALSE(judge({unit(registers + 0x1000, 1, {}), unit(registers, 0, graphics)})) << "the rest comes last";
    auto const listed = judge({unit(registers, 0, graphics)});
    ASSERT_TRUE(listed) << listed.error().why;
    EXPECT_EQ(listed->devices.size(), 1u);
    EXPECT_FALSE(judge({unit(registers, 0, graphics), unit(registers, 1, {})})) << "the same registers twice";
}

/// The verdict says what is wrong, not only that something is.
TEST(Dmar, EachLieIsNamed)
{
    struct Lie {
        std::initializer_list<Bytes> structures;
        std::string_view why;
        u8 address_width = 38;
    };
    for (Lie const& lie : {
             Lie{{unit(0, 1, {})}, "its registers are at an impossible address"},
             Lie{{unit(~u64{0}, 1, {})}, "its registers are at an impossible address"},
             Lie{{unit(registers + 8, 1, {})}, "its registers are at an impossible address"},
             Lie{{unit(0x10'0000, 1, {})}, "its registers lie in RAM"},
             Lie{{unit(registers, 0, io_apic_scope), unit(registers, 1, {})},
                 "DMAR: two units have the same registers"},
             Lie{{unit(registers, 1, {}), unit(registers + 0x1000, 0, {})},
                 "DMAR: a unit follows the one that includes all other devices"},
             Lie{{unit(registers, 1, {}), region(0x6fff'0000, 0x6fff'0fff)},
                 "a demanded region lies in memory that is not reserved"},
             Lie{{unit(registers, 1, {}), region(0x7100'1000, 0x7100'0000)}, "a demanded region has no sane end"},
             Lie{{{0, 0, 16, 0}}, "DMAR: a structure is cut off"},
             Lie{{unit(registers, 1, {3, 9, 0, 0, 5, 0, 1, 0})}, "DMAR: a device scope is cut off"},
             Lie{{unit(registers, 1, {3, 6, 0, 0, 5, 0})}, "DMAR: a device scope has no path"},
             Lie{{unit(registers, 1, {3, 8, 0, 0, 5, 0, 32, 0})}, "DMAR: a device scope has no sane path"},
             Lie{{unit(registers, 1, {})}, "DMAR: impossible address width", 8},
         }) {
        auto const dmar = judge(lie.structures, lie.address_width);
        ASSERT_FALSE(dmar) << lie.why;
        EXPECT_EQ(dmar.error().why, lie.why);
        EXPECT_FALSE(dmar.error().is_absent);
    }
}

TEST(Dmar, AbsentIsNotBroken)
{
    EXPECT_TRUE(judge({}).error().is_absent);
    EXPECT_FALSE(judge({unit(0, 1, {})}).error().is_absent);
}

TEST(Dmar, RegistersMustBeReal)
{
    for (u64 const where : {u64{0}, ~u64{0}, registers + 8, u64{0x10'0000}, u64{1} << 52})
        EXPECT_FALSE(judge({unit(where, 1, {})})) << where;
}

TEST(Dmar, RegionsMustBeReserved)
{
    EXPECT_FALSE(judge({unit(registers, 1, {}), region(0x6FFF'0000, 0x7000'0FFF)})) << "begins in RAM";
    EXPECT_FALSE(judge({unit(registers, 1, {}), region(0x7100'1000, 0x7100'0000)})) << "backwards";
    EXPECT_FALSE(judge({unit(registers, 1, {}), region(0x7100'0000, ~u64{0})})) << "endless";
    EXPECT_TRUE(judge({unit(registers, 1, {}), region(0x7100'0123, 0x7100'0456)})) << "made whole pages";
}

TEST(Dmar, WidthsMustBePossible)
{
    for (u8 const width : {0, 30, 64, 255}) EXPECT_FALSE(judge({unit(registers, 1, {})}, width)) << int{width};
    EXPECT_TRUE(judge({unit(registers, 1, {})}, 51));
}

TEST(Dmar, ScopesMustFit)
{
    EXPECT_FALSE(judge({unit(registers, 1, {3, 9, 0, 0, 5, 0, 1, 0})})) << "longer than its unit";
    EXPECT_FALSE(judge({unit(registers, 1, {3, 4, 0, 0, 5, 0, 1, 0})})) << "shorter than a scope";
    EXPECT_FALSE(judge({unit(registers, 1, {3, 6, 0, 0, 5, 0})})) << "no path";
    EXPECT_FALSE(judge({unit(registers, 1, {3, 8, 0, 0, 5, 0, 32, 0})})) << "device 32";
    EXPECT_FALSE(judge({unit(registers, 1, {3, 7, 0, 0, 5, 0, 1})})) << "half a step";
}

TEST(Dmar, StructuresMustFit)
{
    EXPECT_FALSE(judge({{0, 0, 0, 0}})) << "of no length";
    EXPECT_FALSE(judge({{0, 0, 16, 0}})) << "cut off";
    EXPECT_FALSE(judge({unit(registers, 1, {}), {0, 0}})) << "a rest";
    EXPECT_FALSE(judge({unit(registers, 1, {}, 1)})) << "another segment";
}

}
}
