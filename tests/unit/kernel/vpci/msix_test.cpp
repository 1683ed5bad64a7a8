// SPDX-License-Identifier: MIT
/// The table the guest writes is a shadow; the device's table has host messages, and fires only when both agree.
#include <gtest/gtest.h>

#include "kernel/vpci/virtual_pci.hpp"
#include "tests/fakes/fake_pci.hpp"

namespace hospes::vpci {
namespace {

constexpr pci::FunctionAddress place{.segment = 0, .bus = 3, .devfn = 0};
constexpr u16 capability = 0x70;
constexpr u16 control = capability + 2;
constexpr u16 enable = 0x8000;
constexpr u16 function_mask = 0x4000;
constexpr u64 region = 0xfeb0'0000;
constexpr u64 table = region + 0x1800;

class MsixTest : public testing::Test {
protected:
    MsixTest()
    {
        device.put<u16>(pci::header::status, 0x10);
        device.put<u8>(pci::header::capabilities, capability);
        device.put<u16>(capability, 0x0011);
        device.put<u16>(control, 3, enable | function_mask); // four entries
        device.put<u32>(capability + 4, 0x1800 | 1);         // in region 1
        device.put<u32>(0x14, region | 4, 0xffff'c000);      // 64 bits wide
        device.put<u32>(0x18, 0, ~0u);
        EXPECT_TRUE(pci.add(place));
    }
    void decode(bool on) { pci.write_config(place, pci::header::command, 2, on ? 2 : 0); }
    void write_entry(unsigned index, u32 address, u32 value, u32 vector_control)
    {
        u64 const entry = table + 16 * index;
        pci.write_memory(Gpa{entry}, 4, address);
        pci.write_memory(Gpa{entry + 4}, 4, 0);
        pci.write_memory(Gpa{entry + 8}, 4, value);
        pci.write_memory(Gpa{entry + 12}, 4, vector_control);
    }
    u32 hardware_word(u64 where) { return static_cast<u32>(hardware.read_device(Gpa{where}, 4)); }

    fakes::FakePci hardware;
    fakes::FakePci::Device& device = hardware.add_device(place);
    VirtualPci pci{hardware};
};

TEST_F(MsixTest, TheTableTrapsOnceItIsDecoded)
{
    EXPECT_TRUE(hardware.trapped.empty());
    decode(true);
    EXPECT_EQ(hardware.trapped, (std::set<u64>{table >> 12}));
}

TEST_F(MsixTest, AnEntryFiresOnlyEnabledAndUnmasked)
{
    decode(true);
    pci.write_config(place, control, 2, enable | function_mask);
    write_entry(1, 0xfee02000, 0x55, 0);
    EXPECT_EQ(hardware.interrupts.size(), 0u);
    EXPECT_EQ(hardware_word(table + 16 + 12), 1u);
    pci.write_config(place, control, 2, enable);
    ASSERT_EQ(hardware.interrupts.size(), 1u);
    EXPECT_EQ(hardware.interrupts[0].guest, (Message{0xfee02000, 0x55}));
    EXPECT_EQ(hardware_word(table + 16), 0xfee00000u);
    EXPECT_EQ(hardware_word(table + 16 + 8), 0x40u);
    EXPECT_EQ(hardware_word(table + 16 + 12), 0u);
    EXPECT_EQ(hardware_word(table + 12), 1u);
    EXPECT_EQ(device.get<u16>(control), enable | 3);
}

TEST_F(MsixTest, TheGuestReadsWhatItWrote)
{
    decode(true);
    pci.write_config(place, control, 2, enable);
    write_entry(2, 0xfee04000, 0x66, 0);
    EXPECT_EQ(pci.read_memory(Gpa{table + 32}, 4), 0xfee04000u);
    EXPECT_EQ(pci.read_memory(Gpa{table + 32 + 8}, 8), 0x66u);
    EXPECT_EQ(pci.read_memory(Gpa{table + 12}, 4), 1u);
    EXPECT_EQ(pci.read_config(place, control, 2), enable | 3u);
}

TEST_F(MsixTest, MaskingKeepsTheInterruptAndMovingWorks)
{
    decode(true);
    pci.write_config(place, control, 2, enable);
    write_entry(0, 0xfee00000, 0x31, 0);
    pci.write_memory(Gpa{table + 12}, 4, 1);
    EXPECT_EQ(hardware_word(table + 12), 1u);
    write_entry(0, 0xfee02000, 0x42, 0);
    EXPECT_EQ(hardware.interrupts.size(), 1u);
    EXPECT_EQ(hardware.interrupts[0].guest, (Message{0xfee02000, 0x42}));
    EXPECT_EQ(hardware_word(table + 12), 0u);
}

TEST_F(MsixTest, WideAccessesAreTwoNarrowOnes)
{
    decode(true);
    pci.write_config(place, control, 2, enable);
    pci.write_memory(Gpa{table}, 8, 0xfee02000);
    pci.write_memory(Gpa{table + 8}, 8, 0x77);
    ASSERT_EQ(hardware.interrupts.size(), 1u);
    EXPECT_EQ(hardware.interrupts[0].guest, (Message{0xfee02000, 0x77}));
}

TEST_F(MsixTest, CrookedAccessesToTheTableDoNothing)
{
    decode(true);
    pci.write_config(place, control, 2, enable);
    pci.write_memory(Gpa{table + 12}, 2, 0);
    pci.write_memory(Gpa{table + 4}, 8, 0);
    EXPECT_EQ(hardware.interrupts.size(), 0u);
    EXPECT_EQ(pci.read_memory(Gpa{table + 1}, 1), ~u64{0});
}

TEST_F(MsixTest, RegistersBesideTheTableAreTheDevices)
{
    decode(true);
    pci.write_memory(Gpa{table + 64}, 4, 0x12345678);
    EXPECT_EQ(hardware_word(table + 64), 0x12345678u);
    pci.write_memory(Gpa{table - 8}, 1, 0xab);
    EXPECT_EQ(pci.read_memory(Gpa{table - 8}, 1), 0xabu);
    EXPECT_EQ(pci.read_memory(Gpa{table + 64}, 4), 0x12345678u);
}

/// What is no register's size would be read as more, and reach beyond the page. (FakePci looks at sizes)
TEST_F(MsixTest, CrookedAccessesBesideTheTableReachNoDevice)
{
    decode(true);
    u64 const behind = table + 64;
    for (unsigned const bytes : {3u, 5u, 6u, 7u}) {
        u64 const divisible = (behind / bytes + 1) * bytes;
        EXPECT_EQ(pci.read_memory(Gpa{divisible}, bytes), ~u64{0});
        pci.write_memory(Gpa{divisible}, bytes, 0);
    }
    EXPECT_EQ(pci.read_memory(Gpa{behind + 1}, 2), ~u64{0});
}

TEST_F(MsixTest, SwitchingOffFreesAll)
{
    decode(true);
    pci.write_config(place, control, 2, enable);
    for (unsigned i = 0; i < 4; ++i) write_entry(i, 0xfee00000, 0x30 + i, 0);
    EXPECT_EQ(hardware.live_interrupts(), 4u);
    pci.write_config(place, control, 2, 0);
    EXPECT_EQ(hardware.live_interrupts(), 0u);
    EXPECT_EQ(device.get<u16>(control), 3u);
}

TEST_F(MsixTest, TheTableIsFollowedWhenItMoves)
{
    decode(true);
    decode(false);
    pci.write_config(place, 0x14, 4, 0xfec1'0000);
    EXPECT_EQ(hardware.trapped.size(), 1u);
    decode(true);
    EXPECT_TRUE(hardware.trapped.contains((0xfec1'0000 + 0x1800) >> 12));
    pci.write_config(place, control, 2, enable);
    pci.write_memory(Gpa{0xfec1'1800 + 8}, 8, 0x44);
    EXPECT_EQ(hardware.live_interrupts(), 1u);
    // Where it was is ordinary memory of the device now.
    pci.write_memory(Gpa{table + 8}, 4, 0x99);
    EXPECT_EQ(hardware_word(table + 8), 0x99u);
}

TEST_F(MsixTest, AnEnabledTableIsProgrammedWhereItComesBack)
{
    decode(true);
    pci.write_config(place, control, 2, enable);
    write_entry(3, 0xfee00000, 0x35, 0);
    decode(false);
    hardware.memory.clear(); // the function was reset meanwhile
    decode(true);
    EXPECT_EQ(hardware_word(table + 48 + 8), 0x40u);
    EXPECT_EQ(hardware_word(table + 48 + 12), 0u);
}

TEST_F(MsixTest, ATableInOtherMemoryIsLeftAlone)
{
    pci.write_config(place, 0x18, 4, 0x10);
    decode(true);
    EXPECT_TRUE(hardware.trapped.empty());
    pci.write_config(place, control, 2, enable);
    pci.write_memory(Gpa{0x10'0000'0000 + table}, 4, 0);
    EXPECT_EQ(hardware.interrupts.size(), 0u);
    EXPECT_TRUE(hardware.memory.empty());
}

TEST_F(MsixTest, WithoutVectorsEntriesStayMasked)
{
    hardware.vectors = 1;
    decode(true);
    pci.write_config(place, control, 2, enable);
    write_entry(0, 0xfee00000, 0x31, 0);
    write_entry(1, 0xfee00000, 0x32, 0);
    EXPECT_EQ(hardware_word(table + 12), 0u);
    EXPECT_EQ(hardware_word(table + 28), 1u);
}

TEST_F(MsixTest, RemovalFreesEverything)
{
    decode(true);
    pci.write_config(place, control, 2, enable);
    write_entry(0, 0xfee00000, 0x31, 0);
    ASSERT_TRUE(pci.remove(place));
    EXPECT_EQ(hardware.live_interrupts(), 0u);
    EXPECT_EQ(device.get<u16>(control), 3u);
}

}
}
