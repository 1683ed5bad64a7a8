// SPDX-License-Identifier: MIT
/// Virtual functions are there when, where and as long as their physical function says so; their MSI-X tables lie in
/// the memory that it decodes for them.
#include <gtest/gtest.h>

#include "kernel/vpci/virtual_pci.hpp"
#include "tests/fakes/fake_pci.hpp"

namespace hospes::vpci {
namespace {

constexpr pci::FunctionAddress physical{.segment = 0, .bus = 1, .devfn = 0};
constexpr pci::FunctionAddress first{.segment = 0, .bus = 1, .devfn = 0x80};
constexpr pci::FunctionAddress second{.segment = 0, .bus = 1, .devfn = 0x82};
constexpr pci::FunctionAddress third{.segment = 0, .bus = 1, .devfn = 0x84};
constexpr u16 capability = 0x140, sriov_control = capability + 8, count = capability + 0x10;
constexpr u16 first_base_address = capability + 0x24;
constexpr u16 enable = 1, memory_space = 8;
constexpr u64 region = 0xfe00'0000, region_bytes = 0x4000;
constexpr u16 msix = 0x70, msix_control = msix + 2, msix_enable = 0x8000;

class VirtualFunctionsTest : public testing::Test {
protected:
    VirtualFunctionsTest()
    {
        auto& device = hardware.add_device(physical);
        device.put<u32>(0x100, 0x1400'0001 | 1 << 16); // another capability first
        device.put<u32>(capability, 0x0001'0010);
        device.put<u16>(sriov_control, 0, 0x1f);
        device.put<u16>(capability + 0x0e, 8);
        device.put<u16>(count, 0, 0xffff);
        device.put<u16>(capability + 0x14, 0x80);
        device.put<u16>(capability + 0x16, 2);
        device.put<u32>(first_base_address, 4, static_cast<u32>(~(region_bytes - 1)));
        device.put<u32>(first_base_address + 4, 0, ~0u);
        EXPECT_TRUE(pci.add(physical));
        pci.write_config(physical, first_base_address, 4, region);
        pci.write_config(physical, count, 2, 2);
    }
    /// What a virtual function's configuration space holds.
    void make(pci::FunctionAddress where)
    {
        auto& device = hardware.add_device(where);
        device.put<u32>(0, 0xffff'ffff);
        device.put<u16>(pci::header::command, 0, 4); // memory decoding is not its business
        device.put<u16>(pci::header::status, 0x10);
        device.put<u8>(pci::header::capabilities, msix);
        device.put<u16>(msix, 0x0011);
        device.put<u16>(msix_control, 1, 0xc000);
        device.put<u32>(msix + 4, 0x2000);
    }
    void switch_on(u16 bits = enable | memory_space)
    {
        for (auto const where : {first, second, third}) make(where);
        pci.write_config(physical, sriov_control, 2, bits);
    }
    [[nodiscard]] u64 status_of(pci::FunctionAddress where) { return pci.read_config(where, pci::header::status, 2); }

    fakes::FakePci hardware;
    VirtualPci pci{hardware};
};

constexpr u64 there = 0x10, nothing = 0xffff;

TEST_F(VirtualFunctionsTest, ThereAreNoneBeforeTheyAreMade)
{
    make(first);
    EXPECT_EQ(status_of(first), nothing);
    EXPECT_EQ(pci.add(first).error(), Error::NoSuchDevice);
}

TEST_F(VirtualFunctionsTest, AsManyAsWereAskedFor)
{
    switch_on();
    EXPECT_EQ(status_of(first), there);
    EXPECT_EQ(status_of(second), there);
    EXPECT_EQ(status_of(third), nothing);
    EXPECT_EQ(status_of({.segment = 0, .bus = 1, .devfn = 0x81}), nothing) << "between two";
    EXPECT_EQ(pci.read_config(first, 0, 4), 0xffff'ffffu) << "they have no vendor";
    EXPECT_EQ(status_of(first), there) << "and are not forgotten for it";
}

TEST_F(VirtualFunctionsTest, MeasuringLeavesNothingChanged)
{
    switch_on();
    EXPECT_EQ(pci.read_config(physical, first_base_address, 4), region | 4);
    EXPECT_EQ(pci.read_config(physical, first_base_address + 4, 4), 0u);
}

TEST_F(VirtualFunctionsTest, TablesLieInTheirPartsOfTheRegion)
{
    switch_on();
    ASSERT_TRUE(pci.add(second));
    u64 const table = region + region_bytes + 0x2000;
    EXPECT_EQ(hardware.trapped, (std::set<u64>{table >> 12}));
    pci.write_config(second, msix_control, 2, msix_enable);
    pci.write_memory(Gpa{table + 8}, 8, 0x55);
    EXPECT_EQ(hardware.live_interrupts(), 1u);
    EXPECT_EQ(hardware.read_device(Gpa{table + 8}, 4), 0x40u) << "the host's message";
}

TEST_F(VirtualFunctionsTest, TablesAreFollowedWhenTheRegionMoves)
{
    switch_on(enable);
    ASSERT_TRUE(pci.add(first));
    EXPECT_TRUE(hardware.trapped.empty()) << "not decoded";
    pci.write_config(physical, first_base_address, 4, 0xfd00'0000);
    pci.write_config(physical, sriov_control, 2, enable | memory_space);
    EXPECT_EQ(hardware.trapped, (std::set<u64>{0xfd00'2000 >> 12}));
}

TEST_F(VirtualFunctionsTest, TheyGoWhenTheyAreSwitchedOff)
{
    switch_on();
    ASSERT_TRUE(pci.add(first));
    pci.write_config(first, msix_control, 2, msix_enable);
    pci.write_memory(Gpa{region + 0x2008}, 8, 0x55);
    ASSERT_EQ(hardware.live_interrupts(), 1u);
    pci.write_config(physical, sriov_control, 2, 0);
    EXPECT_EQ(hardware.live_interrupts(), 0u);
    EXPECT_EQ(status_of(first), nothing);
    EXPECT_EQ(pci.remove(first).error(), Error::NoSuchDevice);
}

TEST_F(VirtualFunctionsTest, TheyGoWithTheirPhysicalFunction)
{
    switch_on();
    ASSERT_TRUE(pci.add(first));
    ASSERT_TRUE(pci.add(second));
    ASSERT_TRUE(pci.remove(physical));
    EXPECT_EQ(pci.remove(first).error(), Error::NoSuchDevice);
    EXPECT_EQ(pci.remove(second).error(), Error::NoSuchDevice);
}

TEST_F(VirtualFunctionsTest, WhatTheFirmwareMadeIsRemovedFirst)
{
    fakes::FakePci other = hardware;
    other.devices[physical].put<u16>(sriov_control, enable | memory_space, 0x1f);
    VirtualPci fresh{other};
    ASSERT_TRUE(fresh.add(physical));
    EXPECT_EQ(fresh.add(first).error(), Error::NoSuchDevice);
}

TEST_F(VirtualFunctionsTest, AListOfCapabilitiesThatRunsInCirclesEnds)
{
    hardware.devices[physical].put<u32>(0x100, 0x1000'0001);
    VirtualPci fresh{hardware};
    EXPECT_TRUE(fresh.add(physical));
}

}
}
