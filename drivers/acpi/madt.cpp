// SPDX-License-Identifier: MIT
/// One handler for each kind of MADT record; the loop around them checks every length first.
/// (ACPI Specification 6.5, section 5.2.12.)
#include "drivers/acpi/madt.hpp"

#include <algorithm>

#include "kernel/log/log.hpp"

namespace hospes::acpi {

namespace {

void note_lost(bool kept, std::string_view what)
{
    if (!kept) log_warning("ACPI: the MADT lists more {} than Hospes can handle; the rest is ignored", what);
}

void add_processor(Madt& madt, u32 apic_id, u32 uid, u32 flags)
{
    if ((flags & (processor_enabled | processor_online_capable)) == 0) return;
    auto const same = std::ranges::find(madt.processors.items(), apic_id, &Processor::apic_id);
    if (same != madt.processors.items().end()) return; // a CPU may have a record of both kinds
    bool const is_enabled = (flags & processor_enabled) != 0;
    note_lost(madt.processors.push_back({.apic_id = apic_id, .uid = uid, .is_enabled = is_enabled}), "processors");
}

void take(Madt& madt, MadtLocalApic const& record)
{
    add_processor(madt, record.apic_id, record.processor_uid, record.flags);
}

void take(Madt& madt, MadtLocalX2Apic const& record)
{
    add_processor(madt, record.apic_id, record.processor_uid, record.flags);
}

void take(Madt& madt, MadtIoApic const& record)
{
    constexpr u32 window_alignment = 0x400; // chipsets place I/O APICs at multiples of 1 KiB
    u32 const address = record.address;
    bool const is_duplicate =
        std::ranges::any_of(madt.io_apics, [&](auto const& other) { return other.address == address; });
    if (address == 0 || address % window_alignment != 0 || is_duplicate) {
        log_warning("ACPI: the MADT lists I/O APIC {} at impossible address {:x}; ignored", record.id, address);
        return;
    }
    note_lost(madt.io_apics.push_back(record), "I/O APICs");
}

void take(Madt& madt, MadtSourceOverride const& record)
{
    note_lost(madt.source_overrides.push_back(record), "interrupt source overrides");
}

void take(Madt& madt, MadtLocalApicAddress const& record) { madt.local_apic = Hpa{record.address}; }

/// Reads a record of type T and takes it; false if it is shorter than it must be.
template <typename T>
[[nodiscard]] bool take_record(Madt& madt, Tables const& tables, Table const& table, u64 offset, u8 length)
{
    if (length < sizeof(T)) return false;
    auto const record = tables.read<T>(table, offset);
    if (!record) return false;
    take(madt, *record);
    return true;
}

struct RecordKind {
    MadtKind kind;
    bool (*take)(Madt&, Tables const&, Table const&, u64 offset, u8 length);
};
constexpr std::array record_kinds{
    RecordKind{MadtKind::LocalApic, take_record<MadtLocalApic>},
    RecordKind{MadtKind::IoApic, take_record<MadtIoApic>},
    RecordKind{MadtKind::SourceOverride, take_record<MadtSourceOverride>},
    RecordKind{MadtKind::LocalApicAddress, take_record<MadtLocalApicAddress>},
    RecordKind{MadtKind::LocalX2Apic, take_record<MadtLocalX2Apic>},
};

/// Length of the record at `offset`, which has been taken if its kind matters; 0 if it is broken.
[[nodiscard]] u8 take_next(Madt& madt, Tables const& tables, Table const& table, u64 offset)
{
    auto const record = tables.read<MadtRecord>(table, offset);
    if (!record || record->length < sizeof(MadtRecord) || record->length > table.length - offset) return 0;
    auto const kind = std::ranges::find(record_kinds, record->kind, &RecordKind::kind);
    if (kind != record_kinds.end() && !kind->take(madt, tables, table, offset, record->length)) return 0;
    return record->length;
}

}

Expected<Madt> parse_madt(Tables const& tables)
{
    auto const table = tables.find("APIC");
    if (!table) return failure(Error::NotFound);
    auto const header = tables.read<MultipleApic>(*table, 0);
    if (!header) {
        log_warning("ACPI: the MADT is too short; ignored");
        return failure(Error::Invalid);
    }
    Madt madt;
    madt.local_apic = Hpa{header->local_apic};
    madt.has_legacy_pics = (header->flags & MultipleApic::has_legacy_pics) != 0;
    for (u64 offset = sizeof(MultipleApic); offset < table->length;) {
        u8 const length = take_next(madt, tables, *table, offset);
        if (length == 0) {
            log_warning("ACPI: the MADT has a broken record at offset {}; ignored", offset);
            return failure(Error::Invalid);
        }
        offset += length;
    }
    return madt;
}

}
