// SPDX-License-Identifier: MIT
/// Hostile firmware: arbitrary memory behind a root pointer, and tables with right checksums around arbitrary contents.
/// Whatever is found is also turned into dom0's tables.
/// Input: one byte (0: the rest is memory from the root table on; else the rest, cut into pieces, fills tables).
// sources: drivers/acpi/parse.cpp drivers/acpi/madt.cpp drivers/acpi/mcfg.cpp drivers/acpi/fadt.cpp
// sources: drivers/acpi/interrupt_topology.cpp kernel/dom0/acpi_tables.cpp kernel/lib/format.cpp
// sources: tests/fakes/quiet_log.cpp
#include <vector>

#include "drivers/acpi/fadt.hpp"
#include "drivers/acpi/interrupt_topology.hpp"
#include "drivers/acpi/mcfg.hpp"
#include "kernel/dom0/acpi_tables.hpp"
#include "tests/fakes/fake_firmware.hpp"

namespace {

using namespace hospes;
using test::Bytes;
using test::FakeFirmware;

constexpr u64 base = 0xE0000, root_at = 0xE0000, root_table_at = 0xE0040, tables_at = 0xE1000;
constexpr std::array<std::string_view, 4> names{"APIC", "FACP", "MCFG", "SSDT"};

void require(bool condition)
{
    if (!condition) __builtin_trap();
}

/// Each piece of input: a name, a length, that many bytes.
void fill_with_tables(FakeFirmware& memory, std::span<u8 const> input)
{
    Bytes entries;
    u64 where = tables_at;
    while (input.size() >= 2 && entries.size() < 40) {
        auto const body = input.subspan(2, std::min<size_t>(input[1], input.size() - 2));
        auto const table = test::make_table(names[input[0] % names.size()], {body.begin(), body.end()});
        test::place(memory, where, table);
        test::append(entries, where);
        where += table.size();
        input = input.subspan(2 + body.size());
    }
    test::place(memory, root_table_at, test::make_table("XSDT", entries));
}

void check_dom0_tables(acpi::Tables const& tables, acpi::Madt const& madt)
{
    dom0::AcpiSource const source{tables, madt, {}, 4};
    std::vector<u8> chunk(dom0::acpi_tables_bytes(source));
    require(dom0::write_acpi_tables(chunk, Gpa{0x10'0000}, source).has_value());
}

void check(acpi::Tables const& tables)
{
    for (acpi::Table const& table : tables.all()) require(table.length >= sizeof(acpi::TableHeader));
    static_cast<void>(acpi::parse_fadt(tables));
    if (auto const windows = acpi::parse_mcfg(tables))
        for (auto const& window : *windows) require(window.start.raw() + window.bytes() <= u64{1} << 52);
    auto const madt = acpi::parse_madt(tables);
    if (!madt) return;
    auto const topology = acpi::interrupt_topology(*madt);
    require(topology.io_apics.size() == madt->io_apics.size());
    check_dom0_tables(tables, *madt);
}

}

extern "C" int LLVMFuzzerTestOneInput(u8 const* data, size_t size)
{
    if (size == 0 || size > 0xE000) return 0;
    FakeFirmware memory{base, 0x20000};
    std::span const rest{data + 1, size - 1};
    test::place_root_pointer(memory, root_at, data[0] % 2 == 0 ? 2 : 0, root_table_at, root_table_at);
    if (data[0] == 0)
        test::place(memory, root_table_at, {rest.begin(), rest.end()});
    else {
        test::place_root_pointer(memory, root_at, 2, 0, root_table_at);
        fill_with_tables(memory, rest);
    }
    check(acpi::Tables::discover(memory, Hpa{root_at}));
    return 0;
}
