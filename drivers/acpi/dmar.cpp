// SPDX-License-Identifier: MIT
/// One handler for each kind of DMAR structure; the loop around them checks every length first.
#include "drivers/acpi/dmar.hpp"

#include <algorithm>

namespace hospes::acpi {

namespace {

/// (section 8.1)
struct [[gnu::packed]] DmarHeader {
    TableHeader header;
    u8 host_address_width; ///< bits, less one
    u8 flags;
    std::array<u8, 10> reserved;

    static constexpr u8 interrupt_remapping = 1 << 0;
    static constexpr u8 x2apic_opt_out = 1 << 1;
};
static_assert(sizeof(DmarHeader) == 48);

enum class DmarKind : u16 { HardwareUnit = 0, ReservedMemory = 1 };

/// (section 8.2)
struct [[gnu::packed]] DmarRecord {
    DmarKind kind;
    u16 length; ///< of the structure, these four bytes included
};
static_assert(sizeof(DmarRecord) == 4);

/// DRHD. (section 8.3) Device scopes follow.
struct [[gnu::packed]] DmarHardwareUnit {
    DmarRecord record;
    u8 flags;
    u8 size;
    u16 segment;
    u64 registers;

    static constexpr u8 include_all = 1 << 0;
};
static_assert(sizeof(DmarHardwareUnit) == 16);

/// RMRR. (section 8.4) Device scopes follow.
struct [[gnu::packed]] DmarReservedMemory {
    DmarRecord record;
    u16 reserved;
    u16 segment;
    u64 base;
    u64 limit; ///< the last byte
};
static_assert(sizeof(DmarReservedMemory) == 24);

enum class ScopeKind : u8 { Endpoint = 1, Bridge = 2, IoApic = 3, Hpet = 4, NamespaceDevice = 5 };

/// (section 8.3.1) Two bytes for each step of the path follow.
struct [[gnu::packed]] DeviceScope {
    ScopeKind kind;
    u8 length;
    u16 flags_and_reserved;
    u8 enumeration_id;
    u8 start_bus;
};
static_assert(sizeof(DeviceScope) == 6);
static_assert(sizeof(DevicePath::Step) == 2);

/// Bytes `offset`..`end` of a table.
struct Piece {
    Tables const& tables;
    Table const& table;
    u64 offset;
    u64 end;

    template <typename T>
    [[nodiscard]] std::optional<T> read(u64 where) const
    {
        return where <= end && end - where >= sizeof(T) ? tables.read<T>(table, where) : std::nullopt;
    }
};

[[nodiscard]] Judged<DevicePath> read_path(Piece const& piece, DeviceScope const& scope)
{
    DevicePath path{.start_bus = scope.start_bus, .steps = {}};
    for (u64 at = piece.offset + sizeof(DeviceScope); at < piece.end; at += sizeof(DevicePath::Step)) {
        auto const step = piece.read<DevicePath::Step>(at);
        if (!step || step->device > 31 || step->function > 7) return broken("DMAR: a device scope has no sane path");
        if (!path.steps.push_back(*step)) return broken("DMAR: a device scope's path is too long");
    }
    if (path.steps.empty()) return broken("DMAR: a device scope has no path");
    return path;
}

/// Calls `take(scope, path)` for each device scope in `piece`.
template <typename Take>
[[nodiscard]] Judged<void> for_each_scope(Piece piece, Take&& take)
{
    while (piece.offset < piece.end) {
        auto const scope = piece.read<DeviceScope>(piece.offset);
        if (!scope || scope->length < sizeof(DeviceScope) || scope->length > piece.end - piece.offset)
            return broken("DMAR: a device scope is cut off", piece.offset);
        u64 const next = piece.offset + scope->length;
        auto const path = read_path({piece.tables, piece.table, piece.offset, next}, *scope);
        if (!path) return std::unexpected{path.error()};
        if (auto const taken = take(*scope, *path); !taken) return taken;
        piece.offset = next;
    }
    return {};
}

[[nodiscard]] Judged<void> check_place(Dmar const& dmar, u64 registers, std::span<boot::MemoryRange const> memory_map)
{
    if (auto const sane = check_registers(registers, dmar_register_bytes, memory_map); !sane) return sane;
    if (std::ranges::any_of(dmar.units, [&](DmarUnit const& other) { return other.registers.raw() == registers; }))
        return broken("DMAR: two units have the same registers", registers);
    if (!dmar.units.empty() && dmar.units[dmar.units.size() - 1].includes_all)
        return broken("DMAR: a unit follows the one that includes all other devices", registers);
    return {};
}

[[nodiscard]] Judged<void> take_unit(Dmar& dmar, Piece const& piece, std::span<boot::MemoryRange const> memory_map)
{
    auto const record = piece.read<DmarHardwareUnit>(piece.offset);
    if (!record) return broken("DMAR: a hardware unit is cut off");
    if (record->segment != 0) return broken("DMAR: PCI segments other than 0 are not supported", record->segment);
    if (auto const sane = check_place(dmar, record->registers, memory_map); !sane) return sane;
    DmarUnit unit{.registers = Hpa{record->registers},
                  .includes_all = (record->flags & DmarHardwareUnit::include_all) != 0,
                  .io_apics = {}};
    Piece const scopes{piece.tables, piece.table, piece.offset + sizeof(DmarHardwareUnit), piece.end};
    auto const taken = for_each_scope(scopes, [&](DeviceScope const& scope, DevicePath const& path) -> Judged<void> {
        if (scope.kind == ScopeKind::IoApic && !unit.io_apics.push_back({scope.enumeration_id, path}))
            return broken("DMAR: a unit lists too many I/O APICs");
        bool const is_function = scope.kind == ScopeKind::Endpoint || scope.kind == ScopeKind::Bridge;
        if (is_function && !dmar.devices.push_back(path)) return broken("DMAR: the units list too many devices");
        return {};
    });
    if (!taken) return taken;
    if (!dmar.units.push_back(unit)) return broken("DMAR: too many units");
    return {};
}

[[nodiscard]] Judged<void> take_region(Dmar& dmar, Piece const& piece, std::span<boot::MemoryRange const> memory_map)
{
    auto const record = piece.read<DmarReservedMemory>(piece.offset);
    if (!record) return broken("DMAR: a reserved region is cut off");
    Piece const scopes{piece.tables, piece.table, piece.offset + sizeof(DmarReservedMemory), piece.end};
    auto const sane = for_each_scope(scopes, [](DeviceScope const&, DevicePath const&) -> Judged<void> { return {}; });
    if (!sane) return sane;
    return add_demanded_region(dmar.regions, record->base, record->limit, memory_map);
}

using TakeRecord = Judged<void> (*)(Dmar&, Piece const&, std::span<boot::MemoryRange const>);
struct RecordKind {
    DmarKind kind;
    TakeRecord take;
};
constexpr std::array record_kinds{RecordKind{DmarKind::HardwareUnit, take_unit},
                                  RecordKind{DmarKind::ReservedMemory, take_region}};

[[nodiscard]] Judged<void> take_records(Dmar& dmar, Piece piece, std::span<boot::MemoryRange const> memory_map)
{
    while (piece.offset < piece.end) {
        auto const record = piece.read<DmarRecord>(piece.offset);
        if (!record || record->length < sizeof(DmarRecord) || record->length > piece.end - piece.offset)
            return broken("DMAR: a structure is cut off", piece.offset);
        u64 const next = piece.offset + record->length;
        auto const kind = std::ranges::find(record_kinds, record->kind, &RecordKind::kind);
        if (kind != record_kinds.end()) {
            Piece const body{piece.tables, piece.table, piece.offset, next};
            if (auto const taken = kind->take(dmar, body, memory_map); !taken) return taken;
        }
        piece.offset = next;
    }
    return {};
}

}

Judged<Dmar> parse_dmar(Tables const& tables, std::span<boot::MemoryRange const> memory_map)
{
    auto const table = tables.find("DMAR");
    if (!table) return absent("there is no DMAR table");
    auto const header = tables.read<DmarHeader>(*table, 0);
    if (!header) return broken("the DMAR is too short", table->length);
    Dmar dmar;
    dmar.address_bits = header->host_address_width + 1u;
    dmar.remaps_interrupts = (header->flags & DmarHeader::interrupt_remapping) != 0;
    dmar.x2apic_opt_out = (header->flags & DmarHeader::x2apic_opt_out) != 0;
    if (!is_address_width(dmar.address_bits)) return broken("DMAR: impossible address width", dmar.address_bits);
    if (auto const taken = take_records(dmar, {tables, *table, sizeof(DmarHeader), table->length}, memory_map); !taken)
        return std::unexpected{taken.error()};
    if (dmar.units.empty()) return absent("the DMAR lists no unit");
    return dmar;
}

}
