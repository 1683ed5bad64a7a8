// SPDX-License-Identifier: MIT
/// Finds the ACPI tables and admits only those that tell a consistent story.
///
///   RSDP ──▶ XSDT (or RSDT on ACPI 1.0) ──▶ MADT, FADT, MCFG, DMAR, …
///
/// The firmware is not hostile, but it is often wrong: a table whose address, length or checksum cannot be is
/// named in the log and treated as absent.
#pragma once

#include <optional>
#include <span>

#include "drivers/acpi/physical_reader.hpp"
#include "drivers/acpi/tables.hpp"
#include "kernel/lib/static_vector.hpp"

namespace hospes::acpi {

/// A table that was found whole: every byte of it is readable and their sum is zero.
struct Table {
    Signature signature{};
    Hpa where{};
    u32 length = 0;
};

class Tables {
public:
    static constexpr size_t max_tables = 128;

    /// Follows `root_pointer` if the loader gave one, else searches where a BIOS puts it. No tables at all is a valid
    /// result. `memory` must outlive the object.
    [[nodiscard]] static Tables discover(PhysicalReader const& memory, std::optional<Hpa> root_pointer);

    /// The first table with that name: `find("DMAR")`.
    [[nodiscard]] std::optional<Table> find(Signature signature) const;
    [[nodiscard]] std::span<Table const> all() const { return tables_.items(); }
    /// Null if there is no ACPI.
    [[nodiscard]] std::optional<RootPointer> const& root_pointer() const { return root_pointer_; }
    /// Header of the XSDT, or of the RSDT where there is no XSDT.
    [[nodiscard]] TableHeader const& root_header() const { return root_header_; }

    /// An object inside a table, if it lies there completely.
    template <typename T>
    [[nodiscard]] std::optional<T> read(Table const& table, u64 offset) const
    {
        if (offset > table.length || table.length - offset < sizeof(T)) return std::nullopt;
        return read_object<T>(*memory_, table.where + offset);
    }
    [[nodiscard]] PhysicalReader const& memory() const { return *memory_; }

private:
    explicit Tables(PhysicalReader const& memory) : memory_{&memory} {}
    [[nodiscard]] bool read_root(Hpa where, Signature expected, size_t entry_bytes);
    void admit(Hpa where);

    PhysicalReader const* memory_;
    std::optional<RootPointer> root_pointer_;
    TableHeader root_header_{};
    StaticVector<Table, max_tables> tables_;
};

/// Reads the header at `where` and checks address, length and checksum. Logs what is wrong.
[[nodiscard]] std::optional<TableHeader> check_table(PhysicalReader const& memory, Hpa where);

/// The byte that makes the sum over `bytes` zero, when added to it.
[[nodiscard]] u8 checksum_of(std::span<u8 const> bytes);

}
