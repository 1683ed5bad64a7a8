// SPDX-License-Identifier: MIT
/// Tables are appended to the chunk one behind the other; checksums come last.
#include "kernel/dom0/acpi_tables.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "kernel/arch/virtual_cpu.hpp"
#include "kernel/log/log.hpp"

namespace hospes::dom0 {

namespace {

constexpr std::array<acpi::Signature, 12> passed_on{"DSDT", "FACP", "FACS", "PSDT", "SSDT", "SBST",
                                                    "MCFG", "SLIC", "MSDM", "WDAT", "FPDT", "S3PT"};
constexpr u64 table_alignment = 16;

/// dom0 can only see what the memory map calls firmware memory: the rest of the table would be missing.
[[nodiscard]] bool is_firmware_memory(std::span<boot::MemoryRange const> map, acpi::Table const& table)
{
    return std::ranges::any_of(map, [&](boot::MemoryRange const& range) {
        bool const is_firmware = range.kind == boot::MemoryKind::Reserved || range.kind == boot::MemoryKind::AcpiNvs ||
                                 range.kind == boot::MemoryKind::AcpiReclaimable;
        return is_firmware && range.start <= table.where && table.where + table.length <= range.end();
    });
}

[[nodiscard]] bool is_passed_on(AcpiSource const& source, acpi::Table const& table)
{
    if (!std::ranges::contains(passed_on, table.signature)) return false;
    // dom0 sees all low memory that is no RAM.
    if (table.where + table.length <= boot::end_of_low_memory || is_firmware_memory(source.host_map, table))
        return true;
    log_warning("ACPI: {} at {:x} does not lie in firmware memory; dom0 does not get it", table.signature.view(),
                table.where);
    return false;
}

class Writer {
public:
    Writer(std::span<u8> chunk, Gpa where) : chunk_{chunk}, where_{where} { std::ranges::fill(chunk, u8{0}); }

    template <typename T>
    void append(T const& value)
    {
        if (used_ > chunk_.size() || sizeof(T) > chunk_.size() - used_)
            overflowed_ = true;
        else
            std::memcpy(chunk_.subspan(used_).data(), &value, sizeof(T));
        used_ += sizeof(T);
    }

    /// Where the next table begins.
    [[nodiscard]] u64 begin_table()
    {
        used_ = round_up(used_, table_alignment);
        return used_;
    }

    /// Puts length and checksum into the table that was begun at `start`.
    void end_table(u64 start)
    {
        if (overflowed_) return;
        auto const table = chunk_.subspan(start, used_ - start);
        u32 const length = static_cast<u32>(table.size());
        std::memcpy(table.subspan(offsetof(acpi::TableHeader, length)).data(), &length, sizeof(length));
        table[offsetof(acpi::TableHeader, checksum)] = acpi::checksum_of(table);
    }

    [[nodiscard]] Gpa guest_address(u64 offset) const { return where_ + offset; }
    [[nodiscard]] std::span<u8> written() const { return chunk_.first(used_); }
    [[nodiscard]] bool overflowed() const { return overflowed_; }

private:
    std::span<u8> chunk_;
    Gpa where_;
    u64 used_ = 0;
    bool overflowed_ = false;
};

/// The firmware's identity, so that quirks by manufacturer still apply.
[[nodiscard]] acpi::TableHeader header_like(acpi::TableHeader const& model, acpi::Signature signature, u8 revision)
{
    acpi::TableHeader header = model;
    header.signature = signature;
    header.revision = revision;
    header.length = 0;
    header.checksum = 0;
    return header;
}

void write_madt(Writer& writer, AcpiSource const& source)
{
    constexpr u8 revision_with_x2apic = 3;
    u64 const start = writer.begin_table();
    writer.append(acpi::MultipleApic{.header = header_like(source.tables.root_header(), "APIC", revision_with_x2apic),
                                     .local_apic = static_cast<u32>(source.madt.local_apic.raw()),
                                     .flags = 0});
    for (acpi::MadtIoApic const& io_apic : source.madt.io_apics)
        writer.append(acpi::MadtIoApic{.record = {.kind = acpi::MadtKind::IoApic, .length = sizeof(acpi::MadtIoApic)},
                                       .id = io_apic.id,
                                       .reserved = 0,
                                       .address = io_apic.address,
                                       .first_interrupt = io_apic.first_interrupt});
    for (u32 id = 0; id < source.vcpus; ++id)
        writer.append(acpi::MadtLocalX2Apic{
            .record = {.kind = acpi::MadtKind::LocalX2Apic, .length = sizeof(acpi::MadtLocalX2Apic)},
            .reserved = 0,
            .apic_id = arch::apic_id_of_vcpu(id),
            .flags = acpi::processor_enabled,
            .processor_uid = id});
    for (acpi::MadtSourceOverride record : source.madt.source_overrides) {
        record.record.length = sizeof(record); // the firmware's may be longer
        writer.append(record);
    }
    writer.end_table(start);
}

[[nodiscard]] u64 write_xsdt(Writer& writer, AcpiSource const& source, Gpa madt)
{
    u64 const start = writer.begin_table();
    writer.append(header_like(source.tables.root_header(), "XSDT", 1));
    writer.append(madt.raw());
    for (acpi::Table const& table : source.tables.all())
        if (is_passed_on(source, table)) writer.append(table.where.raw());
    writer.end_table(start);
    return start;
}

[[nodiscard]] u64 write_root_pointer(Writer& writer, acpi::RootPointer const& host, Gpa xsdt)
{
    constexpr u8 revision_with_xsdt = 2;
    u64 const start = writer.begin_table();
    acpi::RootPointer root{};
    root.signature = host.signature;
    root.oem_id = host.oem_id;
    root.revision = revision_with_xsdt;
    root.length = sizeof(root);
    root.xsdt = xsdt.raw();
    auto bytes = std::bit_cast<std::array<u8, sizeof(root)>>(root);
    bytes[offsetof(acpi::RootPointer, checksum)] =
        acpi::checksum_of(std::span{bytes}.first(acpi::RootPointer::bytes_of_version_1));
    bytes[offsetof(acpi::RootPointer, extended_checksum)] = acpi::checksum_of(bytes);
    writer.append(bytes);
    return start;
}

}

u64 acpi_tables_bytes(AcpiSource const& source)
{
    u64 const madt = sizeof(acpi::MultipleApic) + source.madt.io_apics.size() * sizeof(acpi::MadtIoApic) +
                     source.vcpus * sizeof(acpi::MadtLocalX2Apic) +
                     source.madt.source_overrides.size() * sizeof(acpi::MadtSourceOverride);
    u64 const xsdt = sizeof(acpi::TableHeader) + (1 + source.tables.all().size()) * sizeof(u64);
    return sizeof(acpi::RootPointer) + madt + xsdt + 3 * table_alignment;
}

Expected<Gpa> write_acpi_tables(std::span<u8> chunk, Gpa where, AcpiSource const& source)
{
    if (!source.tables.root_pointer()) return failure(Error::NotFound);
    Writer writer{chunk, where};
    write_madt(writer, source);
    u64 const xsdt = write_xsdt(writer, source, writer.guest_address(0));
    u64 const root = write_root_pointer(writer, *source.tables.root_pointer(), writer.guest_address(xsdt));
    if (writer.overflowed()) return failure(Error::NoSpace);
    return writer.guest_address(root);
}

}
