// SPDX-License-Identifier: MIT
/// Consistent tables are understood; tables that lie are as good as absent.
#include <gtest/gtest.h>

#include "drivers/acpi/fadt.hpp"
#include "drivers/acpi/firmware_memory.hpp"
#include "drivers/acpi/interrupt_topology.hpp"
#include "drivers/acpi/mcfg.hpp"
#include "tests/fakes/fake_firmware.hpp"

namespace hospes::acpi {
namespace {

using test::append;
using test::Bytes;
using test::FakeFirmware;
using test::make_table;
using test::place;

constexpr u64 base = 0xE0000;
constexpr u64 root_at = 0xF5A40, rsdt_at = 0xF6000, xsdt_at = 0xF7000, madt_at = 0xF8000, fadt_at = 0xF9000,
              mcfg_at = 0xFA000;

Bytes madt_body()
{
    Bytes body;
    append(body, u32{0xFEE0'0000});
    append(body, u32{MultipleApic::has_legacy_pics});
    append(body, MadtLocalApic{{MadtKind::LocalApic, 8}, 0, 0, processor_enabled});
    append(body, MadtLocalApic{{MadtKind::LocalApic, 8}, 1, 2, processor_enabled});
    append(body, MadtLocalApic{{MadtKind::LocalApic, 8}, 2, 4, processor_online_capable});
    append(body, MadtLocalApic{{MadtKind::LocalApic, 8}, 3, 6, 0});
    append(body, MadtIoApic{{MadtKind::IoApic, 12}, 5, 0, 0xFEC0'0000, 0});
    append(body, MadtSourceOverride{{MadtKind::SourceOverride, 10}, 0, 0, 2, 0});
    append(body, MadtSourceOverride{{MadtKind::SourceOverride, 10}, 0, 9, 9, 0xF});
    append(body, MadtLocalX2Apic{{MadtKind::LocalX2Apic, 16}, 0, 300, processor_enabled, 7});
    return body;
}

Bytes mcfg_body()
{
    Bytes body;
    append(body, u64{0});
    append(body, McfgEntry{0xB000'0000, 0, 0, 255, 0});
    append(body, McfgEntry{0xC000'0001, 1, 0, 255, 0}); // not aligned
    append(body, McfgEntry{0xD000'0000, 2, 9, 8, 0});   // backwards
    append(body, McfgEntry{0xB800'0000, 3, 0, 1, 0});   // overlaps the first
    append(body, McfgEntry{0xE000'0000, 4, 16, 31, 0});
    return body;
}

Bytes fadt_table()
{
    FixedDescription table{};
    table.dsdt = 0x1234000;
    table.sci_interrupt = 9;
    table.pm_timer_block = 0x608;
    table.pm_timer_length = 4;
    table.flags = FixedDescription::reset_register_supported;
    table.reset_register = {GenericAddress::Space::Port, 8, 0, 1, 0xCF9};
    table.reset_value = 0xF;
    Bytes whole;
    append(whole, table);
    return make_table("FACP", {whole.begin() + sizeof(TableHeader), whole.end()}, 3);
}

class Acpi : public testing::Test {
protected:
    void SetUp() override
    {
        place(memory, madt_at, make_table("APIC", madt_body()));
        place(memory, fadt_at, fadt_table());
        place(memory, mcfg_at, make_table("MCFG", mcfg_body()));
        Bytes entries;
        for (u32 where : {madt_at, fadt_at, mcfg_at}) append(entries, static_cast<u32>(where));
        place(memory, rsdt_at, make_table("RSDT", entries));
        entries.clear();
        for (u64 where : {madt_at, fadt_at, mcfg_at, u64{0xDEAD'0000'0000}}) append(entries, where);
        place(memory, xsdt_at, make_table("XSDT", entries));
        test::place_root_pointer(memory, root_at, 2, rsdt_at, xsdt_at);
    }
    Tables discover(std::optional<Hpa> hint = {}) { return Tables::discover(memory, hint); }

    FakeFirmware memory{base, 0x20000};
};

TEST_F(Acpi, TablesAreFoundThroughTheXsdt)
{
    auto const tables = discover();
    ASSERT_TRUE(tables.root_pointer());
    EXPECT_EQ(tables.all().size(), 3u) << "the entry that points nowhere is left out";
    EXPECT_EQ(tables.root_header().signature, Signature{"XSDT"});
    EXPECT_TRUE(tables.find("MCFG"));
    EXPECT_FALSE(tables.find("DMAR"));
}

TEST_F(Acpi, Acpi1HasOnlyAnRsdt)
{
    test::place_root_pointer(memory, root_at, 0, rsdt_at, 0x4141'4141'4141'4141);
    auto const tables = discover();
    EXPECT_EQ(tables.all().size(), 3u);
    EXPECT_EQ(tables.root_header().signature, Signature{"RSDT"});
    EXPECT_EQ(u64{tables.root_pointer()->xsdt}, 0u) << "bytes behind an old root pointer mean nothing";
}

TEST_F(Acpi, BrokenXsdtFallsBackToTheRsdt)
{
    memory.at(xsdt_at + 40) ^= 1;
    EXPECT_EQ(discover().root_header().signature, Signature{"RSDT"});
}

TEST_F(Acpi, LoadersHintIsUsedAndAWrongHintIsNot)
{
    test::place_root_pointer(memory, 0xE1008, 2, rsdt_at, xsdt_at); // where no search would look
    memory.at(root_at) = 0;
    EXPECT_FALSE(discover().root_pointer());
    EXPECT_TRUE(discover(Hpa{0xE1008}).root_pointer());
    EXPECT_FALSE(discover(Hpa{~u64{0} - 3}).root_pointer());
}

TEST_F(Acpi, BrokenExtendedChecksumLeavesTheOldPart)
{
    memory.at(root_at + 33) ^= 1;
    EXPECT_EQ(discover().root_header().signature, Signature{"RSDT"});
}

TEST_F(Acpi, WrongChecksumMakesATableAbsent)
{
    memory.at(madt_at + 50) ^= 1;
    EXPECT_FALSE(discover().find("APIC"));
    EXPECT_EQ(parse_madt(discover()).error(), Error::NotFound);
}

TEST_F(Acpi, ImpossibleLengthsMakeATableAbsent)
{
    for (u32 length : {0u, 35u, 0x7FFF'FFFFu, 0xFFFF'FFFFu, 0x10000u}) {
        memory.put(mcfg_at + 4, length);
        EXPECT_FALSE(discover().find("MCFG")) << length;
    }
}

TEST_F(Acpi, MadtIsUnderstood)
{
    auto const madt = parse_madt(discover());
    ASSERT_TRUE(madt);
    EXPECT_EQ(madt->local_apic, Hpa{0xFEE0'0000});
    EXPECT_TRUE(madt->has_legacy_pics);
    ASSERT_EQ(madt->processors.size(), 4u) << "the processor that can never be used is left out";
    EXPECT_FALSE(madt->processors[2].is_enabled);
    EXPECT_EQ(madt->processors[3].apic_id, 300u);
    EXPECT_EQ(madt->io_apics.size(), 1u);

    auto const topology = interrupt_topology(*madt);
    EXPECT_EQ(topology.apic_ids.size(), 3u);
    ASSERT_EQ(topology.overrides.size(), 2u);
    EXPECT_EQ(topology.overrides[0].gsi, 2u);
    EXPECT_EQ(topology.overrides[0].trigger, TriggerMode::Edge);
    EXPECT_EQ(topology.overrides[1].trigger, TriggerMode::Level);
    EXPECT_EQ(topology.overrides[1].polarity, Polarity::ActiveLow);
}

TEST_F(Acpi, BrokenMadtRecordsMakeItAbsent)
{
    for (u8 length : {0, 1, 7, 255}) { // of the first processor's record
        auto table = make_table("APIC", madt_body());
        table[sizeof(MultipleApic) + 1] = length;
        table[offsetof(TableHeader, checksum)] = 0;
        table[offsetof(TableHeader, checksum)] = checksum_of(table);
        place(memory, madt_at, table);
        ASSERT_TRUE(discover().find("APIC"));
        EXPECT_EQ(parse_madt(discover()).error(), Error::Invalid) << unsigned{length};
    }
}

TEST_F(Acpi, ImpossibleConfigurationWindowsAreLeftOut)
{
    auto const windows = parse_mcfg(discover());
    ASSERT_TRUE(windows);
    ASSERT_EQ(windows->size(), 2u);
    EXPECT_EQ((*windows)[0].bytes(), 256 * mib);
    EXPECT_EQ((*windows)[1].start, Hpa{0xE100'0000});
    EXPECT_EQ((*windows)[1].bytes(), 16 * mib);
}

TEST_F(Acpi, FadtIsUnderstood)
{
    auto const fadt = parse_fadt(discover());
    ASSERT_TRUE(fadt);
    EXPECT_EQ(fadt->sci_interrupt, 9);
    EXPECT_EQ(fadt->dsdt, Hpa{0x1234000});
    ASSERT_TRUE(fadt->reset);
    EXPECT_EQ(fadt->reset->address, 0xCF9u);
    EXPECT_EQ(fadt->reset->value, 0xF);
    ASSERT_TRUE(fadt->timer);
    EXPECT_EQ(fadt->timer->port, 0x608);
}

TEST_F(Acpi, FadtOfAcpi1HasNoResetRegister)
{
    auto table = fadt_table();
    Bytes const body{table.begin() + sizeof(TableHeader), table.begin() + FixedDescription::bytes_of_version_1};
    place(memory, fadt_at, make_table("FACP", body));
    auto const fadt = parse_fadt(discover());
    ASSERT_TRUE(fadt);
    EXPECT_FALSE(fadt->reset);
    place(memory, fadt_at, make_table("FACP", {body.begin(), body.end() - 1}));
    EXPECT_EQ(parse_fadt(discover()).error(), Error::Invalid);
}

TEST(FirmwareMemory, OnlyWhatTheMapAllowsCanBeRead)
{
    static std::array<u8, 4 * page_size> machine{};
    machine[page_size - 1] = 1;
    machine[page_size] = 2;
    using boot::MemoryKind;
    constexpr u64 start = 0x7FFE'0000;
    std::array const map{boot::MemoryRange{Hpa{start}, page_size, MemoryKind::AcpiReclaimable},
                         boot::MemoryRange{Hpa{start + page_size}, page_size, MemoryKind::AcpiNvs},
                         boot::MemoryRange{Hpa{start + 2 * page_size}, page_size, MemoryKind::Unusable},
                         boot::MemoryRange{Hpa{0xFEC0'0000}, page_size, MemoryKind::Reserved}};
    FirmwareMemory const memory{map, [](Hpa where) -> void* { return machine.data() + (where.raw() - start); }};
    std::array<u8, 2> two{};
    EXPECT_TRUE(memory.read(Hpa{start + page_size - 1}, two));
    EXPECT_EQ(two, (std::array<u8, 2>{1, 2})) << "a read across two ranges and two frames";
    EXPECT_FALSE(memory.read(Hpa{start - 1}, two));
    EXPECT_FALSE(memory.read(Hpa{start + 2 * page_size - 1}, two)) << "unusable memory";
    EXPECT_FALSE(memory.read(Hpa{0xFEC0'0000}, two)) << "registers of an I/O APIC";
    EXPECT_FALSE(memory.read(Hpa{~u64{0}}, two)) << "wraps around";
}

}
}
