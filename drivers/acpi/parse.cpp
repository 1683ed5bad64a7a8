// SPDX-License-Identifier: MIT
/// Root pointer, root tables, checksums. (ACPI Specification 6.5, sections 5.2.5 to 5.2.8.)
#include "drivers/acpi/parse.hpp"

#include <algorithm>

#include "kernel/log/log.hpp"

namespace hospes::acpi {

namespace {

/// Far above the largest DSDT seen, far below anything that would make checksums take long.
constexpr u32 max_table_bytes = 16 * mib;

/// Sum over memory; nothing if any byte cannot be read.
[[nodiscard]] std::optional<u8> sum_of_memory(PhysicalReader const& memory, Hpa where, u64 bytes)
{
    std::array<u8, 256> piece{};
    u8 sum = 0;
    while (bytes != 0) {
        auto const part = std::span{piece}.first(std::min<size_t>(piece.size(), bytes));
        if (!memory.read(where, part)) return std::nullopt;
        for (u8 byte : part) sum = static_cast<u8>(sum + byte);
        where += part.size();
        bytes -= part.size();
    }
    return sum;
}

[[nodiscard]] bool has_signature(RootPointer const& root)
{
    return std::string_view{root.signature.data(), root.signature.size()} == RootPointer::expected_signature;
}

/// The root pointer at `where`. One of ACPI 1.0 comes back with everything it does not have set to zero.
[[nodiscard]] std::optional<RootPointer> root_pointer_at(PhysicalReader const& memory, Hpa where)
{
    std::array<u8, sizeof(RootPointer)> bytes{};
    if (!memory.read(where, std::span{bytes}.first(RootPointer::bytes_of_version_1))) return std::nullopt;
    auto const old = std::bit_cast<RootPointer>(bytes);
    if (!has_signature(old) || sum_of_memory(memory, where, RootPointer::bytes_of_version_1) != 0) return std::nullopt;
    if (old.revision < 2) return old;

    auto const full = read_object<RootPointer>(memory, where);
    u32 const length = full ? full->length : 0;
    if (length < sizeof(RootPointer) || length > page_size || sum_of_memory(memory, where, length) != 0) {
        log_warning("ACPI: extended part of the RSDP at {:x} is broken; using only its ACPI 1.0 part", where);
        return old;
    }
    return full;
}

[[nodiscard]] std::optional<RootPointer> search(PhysicalReader const& memory, u64 first, u64 end)
{
    constexpr u64 alignment = 16;
    for (u64 where = round_up(first, alignment); where + RootPointer::bytes_of_version_1 <= end; where += alignment)
        if (auto root = root_pointer_at(memory, Hpa{where})) return root;
    return std::nullopt;
}

/// The first KiB of the extended BIOS data area, then the BIOS ROM. (Section 5.2.5.1.)
[[nodiscard]] std::optional<RootPointer> search_bios_areas(PhysicalReader const& memory)
{
    constexpr Hpa ebda_segment{0x40E};
    constexpr u64 ebda_lowest = 0x400, rom_start = 0xE0000, rom_end = 0x100000;
    if (auto const segment = read_object<u16>(memory, ebda_segment)) {
        u64 const ebda = u64{*segment} << 4;
        if (ebda >= ebda_lowest && ebda < rom_start)
            if (auto root = search(memory, ebda, ebda + 1 * kib)) return root;
    }
    return search(memory, rom_start, rom_end);
}

}

u8 checksum_of(std::span<u8 const> bytes)
{
    u8 sum = 0;
    for (u8 byte : bytes) sum = static_cast<u8>(sum + byte);
    return static_cast<u8>(-sum);
}

std::optional<TableHeader> check_table(PhysicalReader const& memory, Hpa where)
{
    auto const header = read_object<TableHeader>(memory, where);
    if (!header) {
        log_warning("ACPI: a table is said to be at {:x}, which is not firmware memory; ignored", where);
        return std::nullopt;
    }
    u32 const length = header->length;
    if (length < sizeof(TableHeader) || length > max_table_bytes) {
        log_warning("ACPI: {} at {:x} has impossible length {}; ignored", header->signature.view(), where, length);
        return std::nullopt;
    }
    auto const sum = sum_of_memory(memory, where, length);
    if (sum == 0) return header;
    log_warning("ACPI: {} at {:x}, {} bytes: {}; ignored", header->signature.view(), where, length,
                sum ? "wrong checksum" : "reaches out of firmware memory");
    return std::nullopt;
}

void Tables::admit(Hpa where)
{
    if (where == Hpa{}) return;
    auto const header = check_table(*memory_, where);
    if (!header) return;
    if (!tables_.push_back({.signature = header->signature, .where = where, .length = header->length}))
        log_warning("ACPI: more than {} tables; {} ignored", max_tables, header->signature.view());
}

bool Tables::read_root(Hpa where, Signature expected, size_t entry_bytes)
{
    auto const header = check_table(*memory_, where);
    if (!header) return false;
    if (header->signature != expected) {
        log_warning("ACPI: the root table at {:x} is not an {}; ignored", where, expected.view());
        return false;
    }
    root_header_ = *header;
    u64 const count = std::min<u64>((header->length - sizeof(TableHeader)) / entry_bytes, 4 * max_tables);
    for (u64 i = 0; i < count; ++i) {
        std::array<u8, sizeof(u64)> entry{};
        if (!memory_->read(where + sizeof(TableHeader) + i * entry_bytes, std::span{entry}.first(entry_bytes))) break;
        admit(Hpa{std::bit_cast<u64>(entry)});
    }
    return true;
}

Tables Tables::discover(PhysicalReader const& memory, std::optional<Hpa> root_pointer)
{
    Tables tables{memory};
    if (root_pointer) tables.root_pointer_ = root_pointer_at(memory, *root_pointer);
    if (root_pointer && !tables.root_pointer_)
        log_warning("ACPI: no RSDP at {:x}, where the loader sees one", *root_pointer);
    if (!tables.root_pointer_) tables.root_pointer_ = search_bios_areas(memory);
    if (!tables.root_pointer_) {
        log_warning("ACPI: no RSDP found");
        return tables;
    }
    Hpa const xsdt{tables.root_pointer_->xsdt};
    Hpa const rsdt{tables.root_pointer_->rsdt};
    if (xsdt != Hpa{} && tables.read_root(xsdt, "XSDT", sizeof(u64))) return tables;
    if (rsdt == Hpa{} || !tables.read_root(rsdt, "RSDT", sizeof(u32))) log_warning("ACPI: no usable root table");
    return tables;
}

std::optional<Table> Tables::find(Signature signature) const
{
    auto const found = std::ranges::find(tables_.items(), signature, &Table::signature);
    if (found == tables_.items().end()) return std::nullopt;
    return *found;
}

}
