// SPDX-License-Identifier: MIT
/// The guest sees the message it wrote; the device has the host's; nothing of it outlives MSI.
#include <gtest/gtest.h>

#include "kernel/vpci/virtual_pci.hpp"
#include "tests/fakes/fake_pci.hpp"

namespace hospes::vpci {
namespace {

constexpr pci::FunctionAddress place{.segment = 0, .bus = 0, .devfn = 0xfa};
constexpr u16 capability = 0x80;
constexpr u16 control = capability + 2;
constexpr u16 low = capability + 4;
constexpr u16 high = capability + 8;
constexpr u16 data = capability + 12;

class MsiTest : public testing::Test {
protected:
    MsiTest()
    {
        device.put<u16>(pci::header::status, 0x10);
        device.put<u8>(pci::header::capabilities, capability);
        device.put<u16>(capability, 0x0005);
        device.put<u16>(control, 0x0187 | firmware_left_on, 0x0071); // 8 messages capable, 64 bits, masks
        device.put<u32>(low, 0, ~3u);
        device.put<u32>(high, 0, ~0u);
        device.put<u16>(data, 0, 0xffff);
        device.put<u32>(capability + 16, 0, ~0u);
        EXPECT_TRUE(pci.add(place));
    }
    void write_message(u32 address, u16 value)
    {
        pci.write_config(place, low, 4, address);
        pci.write_config(place, high, 4, 0);
        pci.write_config(place, data, 2, value);
    }
    static constexpr u16 firmware_left_on = 1;
    fakes::FakePci hardware;
    fakes::FakePci::Device& device = hardware.add_device(place);
    VirtualPci pci{hardware};
};

TEST_F(MsiTest, WhatTheFirmwareLeftOnIsOff) { EXPECT_EQ(device.get<u16>(control) & 1, 0); }

TEST_F(MsiTest, OnlyOneMessageIsOffered)
{
    EXPECT_EQ(pci.read_config(place, control, 2), 0x0180u);
    pci.write_config(place, control, 2, 0x0031);
    EXPECT_EQ(device.get<u16>(control), 0x0187u);
    EXPECT_EQ(pci.read_config(place, control, 2), 0x0181u);
}

TEST_F(MsiTest, TheDeviceGetsTheHostsMessage)
{
    write_message(0xfee02000, 0x4123);
    EXPECT_EQ(device.get<u32>(low), 0u);
    pci.write_config(place, control, 2, 1);
    EXPECT_EQ(device.get<u32>(low), 0xfee00000u);
    EXPECT_EQ(device.get<u16>(data), 0x40u);
    EXPECT_EQ(pci.read_config(place, low, 4), 0xfee02000u);
    EXPECT_EQ(pci.read_config(place, data, 2), 0x4123u);
    ASSERT_EQ(hardware.interrupts.size(), 1u);
    EXPECT_EQ(hardware.interrupts[0].guest, (Message{0xfee02000, 0x4123}));
}

TEST_F(MsiTest, MovingItWhileEnabledReachesOnlyTheBinding)
{
    write_message(0xfee00000, 0x31);
    pci.write_config(place, control, 2, 1);
    write_message(0xfee04000, 0x52);
    EXPECT_EQ(hardware.interrupts[0].guest, (Message{0xfee04000, 0x52}));
    EXPECT_EQ(device.get<u16>(data), 0x40u);
    EXPECT_EQ(hardware.interrupts.size(), 1u);
}

TEST_F(MsiTest, SwitchingOffFreesTheInterruptAfterTheDeviceWasTold)
{
    write_message(0xfee00000, 0x31);
    pci.write_config(place, control, 2, 1);
    pci.write_config(place, control, 2, 0);
    EXPECT_EQ(device.get<u16>(control) & 1, 0);
    EXPECT_EQ(hardware.live_interrupts(), 0u);
}

TEST_F(MsiTest, AFunctionThatWasResetIsToldAgain)
{
    write_message(0xfee00000, 0x31);
    pci.write_config(place, control, 2, 1);
    device.put<u32>(low, 0, ~3u);
    device.put<u16>(data, 0, 0xffff);
    device.put<u16>(control, 0x0186, 0x0071);
    pci.write_config(place, control, 2, 1);
    EXPECT_EQ(device.get<u16>(data), 0x40u);
    EXPECT_EQ(device.get<u16>(control) & 1, 1);
    EXPECT_EQ(hardware.live_interrupts(), 1u);
}

TEST_F(MsiTest, WithoutAVectorTheDeviceStaysSilent)
{
    hardware.vectors = 0;
    pci.write_config(place, control, 2, 1);
    EXPECT_EQ(device.get<u16>(control) & 1, 0);
    EXPECT_EQ(pci.read_config(place, control, 2) & 1, 1u);
    pci.write_config(place, low, 4, 0xfee01000);
    EXPECT_EQ(device.get<u32>(low), 0u);
}

TEST_F(MsiTest, WithoutAMessageTheDeviceIsSilentUntilThereIsOne)
{
    write_message(0xfee00000, 0x31);
    pci.write_config(place, control, 2, 1);
    u32 const address = device.get<u32>(low);
    hardware.has_messages = false;
    write_message(0xfee01000, 0x31);
    EXPECT_EQ(device.get<u16>(control) & 1, 0) << "it would write to address 0";
    EXPECT_EQ(device.get<u32>(low), address);
    EXPECT_EQ(pci.read_config(place, control, 2) & 1, 1u);
    hardware.has_messages = true;
    write_message(0xfee00000, 0x31);
    EXPECT_EQ(device.get<u16>(control) & 1, 1);
}

TEST_F(MsiTest, MaskAndPendingBitsAreTheDevices)
{
    pci.write_config(place, capability + 16, 4, 1);
    EXPECT_EQ(device.get<u32>(capability + 16), 1u);
}

TEST_F(MsiTest, RemovalFreesEverything)
{
    pci.write_config(place, control, 2, 1);
    ASSERT_TRUE(pci.remove(place));
    EXPECT_EQ(hardware.live_interrupts(), 0u);
    EXPECT_EQ(device.get<u16>(control) & 1, 0);
}

TEST_F(MsiTest, AFunctionThatWentAwayIsForgotten)
{
    pci.write_config(place, control, 2, 1);
    hardware.devices.erase(place);
    EXPECT_EQ(pci.read_config(place, 0, 4), 0xffffffffu);
    EXPECT_EQ(hardware.live_interrupts(), 0u);
    EXPECT_EQ(pci.remove(place).error(), Error::NoSuchDevice);
}

}
}
