// SPDX-License-Identifier: MIT
/// Hostile firmware: DMAR and IVRS with right checksums around arbitrary contents.
/// Input: one byte (even: DMAR, odd: IVRS), then the table's body.
// sources: drivers/acpi/parse.cpp drivers/acpi/dmar.cpp drivers/acpi/ivrs.cpp drivers/acpi/io_virtualization.cpp
// sources: kernel/lib/format.cpp tests/fakes/quiet_log.cpp
#include "drivers/acpi/dmar.hpp"
#include "drivers/acpi/ivrs.hpp"
#include "tests/fakes/fake_firmware.hpp"

namespace {

using namespace hospes;

constexpr u64 base = 0xE0000, root_at = 0xE0000, xsdt_at = 0xE0100, table_at = 0xE1000;
constexpr std::array memory_map{
    boot::MemoryRange{Hpa{0}, 0x7000'0000, boot::MemoryKind::Usable},
    boot::MemoryRange{Hpa{0x7000'0000}, 0x1000'0000, boot::MemoryKind::Reserved},
};

void require(bool condition)
{
    if (!condition) __builtin_trap();
}

/// Whatever was believed is outside free RAM.
void check_place(u64 start, u64 bytes)
{
    require(bytes != 0 && start + bytes > start && start % page_size == 0);
    require(start >= memory_map[0].end().raw());
}

void check_regions(acpi::DemandedRegions const& regions)
{
    for (acpi::DemandedRegion const& region : regions) check_place(region.start.raw(), region.bytes);
}

void check_dmar(acpi::Tables const& tables)
{
    auto const dmar = acpi::parse_dmar(tables, memory_map);
    if (!dmar) return require(!dmar.error().why.empty());
    require(dmar->units.size() != 0);
    for (acpi::DevicePath const& path : dmar->devices) require(!path.steps.empty());
    for (acpi::DmarUnit const& unit : dmar->units) {
        check_place(unit.registers.raw(), acpi::dmar_register_bytes);
        for (acpi::IoApicScope const& scope : unit.io_apics) require(!scope.path.steps.empty());
    }
    check_regions(dmar->regions);
}

void check_ivrs(acpi::Tables const& tables)
{
    auto const ivrs = acpi::parse_ivrs(tables, memory_map);
    if (!ivrs) return require(!ivrs.error().why.empty());
    require(ivrs->units.size() != 0);
    for (acpi::IvrsUnit const& unit : ivrs->units) check_place(unit.registers.raw(), acpi::ivrs_register_bytes);
    for (acpi::AliasRange const& range : ivrs->aliases) require(range.first <= range.last);
    check_regions(ivrs->regions);
}

}

extern "C" int LLVMFuzzerTestOneInput(u8 const* data, size_t size)
{
    if (size == 0 || size > 0x8000) return 0;
    bool const intel = data[0] % 2 == 0;
    test::FakeFirmware memory{base, 0x20000};
    test::Bytes entries;
    test::append(entries, table_at);
    test::place(memory, table_at, test::make_table(intel ? "DMAR" : "IVRS", {data + 1, data + size}));
    test::place(memory, xsdt_at, test::make_table("XSDT", entries));
    test::place_root_pointer(memory, root_at, 2, 0, xsdt_at);
    auto const tables = acpi::Tables::discover(memory, Hpa{root_at});
    intel ? check_dmar(tables) : check_ivrs(tables);
    return 0;
}
