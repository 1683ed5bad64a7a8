// SPDX-License-Identifier: MIT
/// Accesses of any size meet registers of any size, and only what was written reaches the hardware.
#include <gtest/gtest.h>

#include "kernel/vpci/config_space.hpp"
#include "kernel/vpci/virtual_pci.hpp"
#include "tests/fakes/fake_pci.hpp"

namespace hospes::vpci {
namespace {

constexpr pci::FunctionAddress place{.segment = 0, .bus = 1, .devfn = 0x10};

class Remembering final : public RegisterOwner {
public:
    u32 read_register(u16 offset) override { return values[offset]; }
    void write_register(u16 offset, u32 value) override { values[offset] = value; }
    std::map<u16, u32> values;
};

class ConfigSpaceTest : public testing::Test {
protected:
    ConfigSpaceTest()
    {
        device.put<u32>(0x50, 0x44332211, ~0u);
        device.put<u32>(0x54, 0x88776655, ~0u);
        EXPECT_TRUE(space.add({0x52, 2, &owner}));
        EXPECT_TRUE(space.add({0x58, 4, &owner}));
        owner.values = {{0x52, 0xbbaa}, {0x58, 0xfeedbeef}};
    }
    fakes::FakePci hardware;
    fakes::FakePci::Device& device = hardware.add_device(place);
    ConfigSpace space{place, hardware};
    Remembering owner;
};

TEST_F(ConfigSpaceTest, ReadsMergeVirtualAndReal)
{
    EXPECT_EQ(space.read(0x50, 4), 0xbbaa2211u);
    EXPECT_EQ(space.read(0x52, 2), 0xbbaau);
    EXPECT_EQ(space.read(0x53, 1), 0xbbu);
    EXPECT_EQ(space.read(0x5a, 2), 0xfeedu);
    EXPECT_EQ(space.read(0x54, 4), 0x88776655u);
}

TEST_F(ConfigSpaceTest, WritesOfPartsKeepTheRest)
{
    space.write(0x53, 1, 0xcc);
    EXPECT_EQ(owner.values[0x52], 0xccaau);
    space.write(0x58, 2, 0x1234);
    EXPECT_EQ(owner.values[0x58], 0xfeed1234u);
    EXPECT_TRUE(hardware.writes.empty());
}

TEST_F(ConfigSpaceTest, AMixedWriteTouchesInHardwareOnlyWhatIsReal)
{
    space.write(0x50, 4, 0xddcc9988);
    EXPECT_EQ(owner.values[0x52], 0xddccu);
    EXPECT_EQ(device.get<u32>(0x50), 0x44339988u);
    ASSERT_EQ(hardware.writes.size(), 1u);
    EXPECT_EQ(hardware.writes[0].bytes, 2u);
}

TEST_F(ConfigSpaceTest, AStatusBitBesideAVirtualRegisterIsNotCleared)
{
    device.put<u16>(0x50, 0xffff);
    device.clears[0x50] = device.clears[0x51] = 0xff;
    space.write(0x52, 2, 0xffff);
    EXPECT_EQ(device.get<u16>(0x50), 0xffffu);
}

class VirtualPciTest : public testing::Test {
protected:
    fakes::FakePci hardware;
    VirtualPci pci{hardware};
};

TEST_F(VirtualPciTest, WhatIsNotThereReadsAsOnes)
{
    EXPECT_EQ(pci.read_config(place, 0, 4), 0xffffffffu);
    EXPECT_EQ(pci.read_config(place, 0, 1), 0xffu);
    pci.write_config(place, 4, 2, 7);
    EXPECT_TRUE(hardware.writes.empty());
    EXPECT_EQ(pci.add(place).error(), Error::NoSuchDevice);
    EXPECT_EQ(pci.remove(place).error(), Error::NoSuchDevice);
}

TEST_F(VirtualPciTest, CrookedAccessesAreCutIntoStraightOnes)
{
    auto& device = hardware.add_device(place);
    for (u16 i = 0; i < 16; ++i) device.put<u8>(static_cast<u16>(0x60 + i), static_cast<u8>(i), 0xff);
    EXPECT_EQ(pci.read_config(place, 0x61, 4), 0x04030201u);
    EXPECT_EQ(pci.read_config(place, 0x60, 8), 0x0706050403020100u);
    pci.write_config(place, 0x63, 4, 0xddccbbaa);
    EXPECT_EQ(device.get<u32>(0x63), 0xddccbbaau);
    EXPECT_EQ(device.get<u8>(0x62), 2u);
    EXPECT_EQ(device.get<u8>(0x67), 7u);
    EXPECT_EQ(pci.read_config(place, 4094, 4), ~u64{0});
}

TEST_F(VirtualPciTest, HiddenFunctionsAreNotThere)
{
    auto& device = hardware.add_device(place);
    ASSERT_TRUE(pci.hide(place));
    EXPECT_EQ(pci.read_config(place, 0, 4) & 0xffffffff, 0xffffffffu);
    pci.write_config(place, pci::header::command, 2, 7);
    EXPECT_EQ(device.get<u16>(pci::header::command), 0u);
    EXPECT_FALSE(pci.add(place));
}

TEST_F(VirtualPciTest, ACapabilityListThatRunsInCirclesEnds)
{
    auto& device = hardware.add_device(place);
    device.put<u16>(pci::header::status, 0x10);
    device.put<u8>(pci::header::capabilities, 0x40);
    device.put<u16>(0x40, 0x5009);
    device.put<u16>(0x50, 0x4009);
    EXPECT_TRUE(pci.add(place));
}

}
}
