// SPDX-License-Identifier: MIT
/// The two ports, and the same registers in memory.
#include <gtest/gtest.h>

#include "kernel/vpci/config_ports.hpp"
#include "kernel/vpci/config_window.hpp"
#include "tests/fakes/fake_pci.hpp"

namespace hospes::vpci {
namespace {

constexpr pci::FunctionAddress place{.segment = 0, .bus = 2, .devfn = 0x1a};
constexpr u32 selected = 0x8002'1a40;

class ConfigPortsTest : public testing::Test {
protected:
    ConfigPortsTest() { device.put<u32>(0x40, 0x44332211, ~0u); }
    u64 read(u64 port, unsigned bytes) { return ports.read(nobody(), port, bytes); }
    void write(u64 port, unsigned bytes, u64 value) { ports.write(nobody(), port, bytes, value); }
    /// Handlers do not look at the vCPU.
    static Vcpu& nobody()
    {
        alignas(16) static std::array<u8, 16> memory{};
        return reinterpret_cast<Vcpu&>(memory);
    }

    fakes::FakePci hardware;
    fakes::FakePci::Device& device = hardware.add_device(place);
    VirtualPci pci{hardware};
    ConfigPorts ports{pci};
};

TEST_F(ConfigPortsTest, TheAddressIsARegisterOfFourBytes)
{
    write(0xcf8, 4, selected);
    EXPECT_EQ(read(0xcf8, 4), selected);
    write(0xcf8, 1, 0);
    write(0xcf8, 2, 0);
    EXPECT_EQ(read(0xcf8, 4), selected);
    EXPECT_EQ(read(0xcf8, 1) & 0xff, 0xffu);
}

TEST_F(ConfigPortsTest, DataOfAllSizes)
{
    write(0xcf8, 4, selected);
    EXPECT_EQ(read(0xcfc, 4), 0x44332211u);
    EXPECT_EQ(read(0xcfe, 2), 0x4433u);
    EXPECT_EQ(read(0xcfd, 1), 0x22u);
    write(0xcfd, 1, 0xee);
    EXPECT_EQ(device.get<u32>(0x40), 0x4433ee11u);
}

TEST_F(ConfigPortsTest, WhatReachesPastTheDataIsNobodys)
{
    write(0xcf8, 4, selected);
    EXPECT_EQ(read(0xcfe, 4) & 0xffffffff, 0xffff4433u);
    write(0xcff, 4, 0xaabbccdd);
    EXPECT_EQ(device.get<u32>(0x40), 0xdd332211u);
    EXPECT_EQ(device.get<u32>(0x44), 0u);
}

TEST_F(ConfigPortsTest, WithoutTheEnableBitNothingIsThere)
{
    write(0xcf8, 4, selected & 0x7fffffff);
    EXPECT_EQ(read(0xcfc, 4) & 0xffffffff, 0xffffffffu);
    write(0xcfc, 4, 0);
    EXPECT_EQ(device.get<u32>(0x40), 0x44332211u);
}

TEST_F(ConfigPortsTest, AWindowFindsTheFunctionByAddress)
{
    ConfigWindow window{pci, {.start = Gpa{0xb010'0000}, .segment = 0, .first_bus = 1, .last_bus = 9}};
    u64 const function = 0xb010'0000 + (u64{1} << 20) + (0x1a << 12);
    EXPECT_EQ(window.read(nobody(), function + 0x40, 4), 0x44332211u);
    window.write(nobody(), function + 0xffc, 4, 1);
    window.write(nobody(), function + 0x42, 2, 0x5566);
    EXPECT_EQ(device.get<u32>(0x40), 0x55662211u);
    EXPECT_EQ(window.read(nobody(), function + 0x1000, 4) & 0xffffffff, 0xffffffffu);
}

}
}
