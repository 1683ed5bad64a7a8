// SPDX-License-Identifier: MIT
#include "kernel/options/command_line.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "kernel/abi/xen/versions.hpp"

using namespace hospes;

namespace {

struct Parsed {
    Options options;
    std::vector<std::string> complaints;
};

Parsed parse(std::string_view line)
{
    Parsed parsed;
    parsed.options = parse_options(line, [&](OptionComplaint complaint) {
        std::string text{complaint.option};
        if (!complaint.expected.empty()) text += " (bad value)";
        parsed.complaints.push_back(text);
    });
    return parsed;
}

}

TEST(Options, AnEmptyLineGivesTheDefaults)
{
    Parsed const parsed = parse("");
    EXPECT_TRUE(parsed.complaints.empty());
    EXPECT_EQ(parsed.options.com1.io_base, 0x3f8);
    EXPECT_EQ(parsed.options.max_grant_frames, 64u);
    EXPECT_TRUE(parsed.options.consoles.has(ConsoleChoice::Vga));
    EXPECT_FALSE(parsed.options.consoles.has(ConsoleChoice::Com1));
}

TEST(Options, WhatDebianAndAdminsWrite)
{
    Parsed const parsed =
        parse("dom0_mem=1024M,max:2G  com1=115200,8n1 console=com1,vga loglvl=all guest_loglvl=all/all "
              "noreboot dom0_max_vcpus=2-4 dom0_vcpus_pin iommu=verbose,no-intremap sched=credit2 "
              "ucode=scan spec-ctrl=no smt=off -- quiet console=hvc0");
    EXPECT_TRUE(parsed.complaints.empty());
    Options const& options = parsed.options;
    EXPECT_EQ(options.dom0_memory.size.of(8 * gib), gib);
    EXPECT_EQ(options.dom0_memory.maximum.of(8 * gib), 2 * gib);
    EXPECT_FALSE(options.dom0_memory.minimum.given);
    EXPECT_EQ(options.com1.baud, 115200u);
    EXPECT_TRUE(options.consoles.has(ConsoleChoice::Com1));
    EXPECT_EQ(options.log_level.always, 4);
    EXPECT_TRUE(options.no_reboot);
    EXPECT_EQ(options.dom0_vcpus.minimum, 2u);
    EXPECT_EQ(options.dom0_vcpus.maximum, 4u);
    EXPECT_TRUE(options.dom0_vcpus_pin);
    EXPECT_TRUE(options.iommu.enabled);
    EXPECT_FALSE(options.iommu.interrupt_remapping);
    EXPECT_EQ(options.dom0_command_line, "quiet console=hvc0");
    EXPECT_FALSE(options.command_line.contains("--"));
}

TEST(Options, MemoryAmounts)
{
    auto const amount = [](std::string_view text, u64 total) {
        return parse("dom0_mem=" + std::string{text}).options.dom0_memory.size.of(total);
    };
    EXPECT_EQ(amount("512", gib), 512 * kib);
    EXPECT_EQ(amount("25%", 1000), 250u);
    EXPECT_EQ(amount("10%+1K", 100 * kib), 11 * kib);
    EXPECT_EQ(amount("-1G", 4 * gib), 3 * gib);
    EXPECT_EQ(amount("-8G", 4 * gib), 0u);
    EXPECT_EQ(amount("8G", 4 * gib), 4 * gib);
    EXPECT_EQ(amount("100%+1G", 4 * gib), 4 * gib);
}

TEST(Options, UnknownOnesAreNamedAndBadValuesExplained)
{
    Parsed const parsed = parse("frobnicate=7 dom0_mem=lots maxcpus=-1 com1=fast loglvl=loud iommu=off max_cstate=1");
    EXPECT_EQ(parsed.complaints,
              (std::vector<std::string>{"frobnicate=7", "dom0_mem=lots (bad value)", "maxcpus=-1 (bad value)",
                                        "com1=fast (bad value)", "loglvl=loud (bad value)"}));
    EXPECT_FALSE(parsed.options.iommu.enabled);
    EXPECT_FALSE(parsed.options.com1.configured);
}

TEST(Options, YesAndNo)
{
    EXPECT_FALSE(parse("nosmp").options.smp);
    EXPECT_TRUE(parse("nosmp=no").options.smp);
    EXPECT_EQ(parse("").options.apic_virtualization, std::nullopt);
    EXPECT_EQ(parse("apicv").options.apic_virtualization, true);
    EXPECT_EQ(parse("apicv=off").options.apic_virtualization, false);
    EXPECT_FALSE(parse("no-x2apic").options.x2apic);
    EXPECT_FALSE(parse("nox2apic").options.x2apic);
    EXPECT_FALSE(parse("hap_1gb=off").options.large_pages_1g);
    EXPECT_FALSE(parse("noreboot=false").options.no_reboot);
}

TEST(Options, TheToolstacksRelease)
{
    EXPECT_EQ(parse("").options.toolstack_minor, 17u);
    for (xen::Release const& release : xen::releases) {
        Parsed const parsed = parse("toolstack=4." + std::to_string(release.minor));
        EXPECT_TRUE(parsed.complaints.empty());
        EXPECT_EQ(parsed.options.toolstack_minor, release.minor);
    }
    for (std::string const value : {"", "4", "4.", "4.16", "4.23", "5.17", "4.x", "4.17.5", "debian"}) {
        Parsed const parsed = parse("toolstack=" + value);
        EXPECT_EQ(parsed.complaints.size(), 1u) << value;
        EXPECT_EQ(parsed.options.toolstack_minor, 17u) << value;
    }
}

TEST(Options, SerialPorts)
{
    Options const options = parse("com1=auto,8e2,0x2f8,3 com2=9600/24000000").options;
    EXPECT_EQ(options.com1.baud, 0u);
    EXPECT_EQ(options.com1.parity, 'e');
    EXPECT_EQ(options.com1.stop_bits, 2);
    EXPECT_EQ(options.com1.io_base, 0x2f8);
    EXPECT_EQ(options.com2.clock_hz, 24'000'000u);
    EXPECT_TRUE(options.consoles.has(ConsoleChoice::Com2));
}

TEST(ImageName, IsStrippedTheWayLoadersAddIt)
{
    EXPECT_EQ(strip_image_name("placeholder dom0_mem=1G", "GRUB 2.06"), "dom0_mem=1G");
    EXPECT_EQ(strip_image_name("dom0_mem=1G noreboot", "GRUB 2.06"), "dom0_mem=1G noreboot");
    EXPECT_EQ(strip_image_name("/boot/hospes.elf  noreboot", "qemu"), "noreboot");
    EXPECT_EQ(strip_image_name("/boot/hospes.gz placeholder noreboot", "other"), "noreboot");
    EXPECT_EQ(strip_image_name("placeholder", "GRUB 2.06"), "");
    EXPECT_EQ(strip_image_name("placeholders=1", "GRUB 2.06"), "placeholders=1");
    EXPECT_EQ(strip_image_name("", "qemu"), "");
}

TEST(OptionTable, EveryHelpedOptionSaysWhatItTakes)
{
    OptionHelp row;
    for (size_t i = 0; option_help(i, row); ++i) EXPECT_EQ(row.values.empty(), row.help.empty()) << row.name;
}
