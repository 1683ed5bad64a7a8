// SPDX-License-Identifier: MIT
/// Range checks before every read, then page-wise copies.
#include "drivers/acpi/firmware_memory.hpp"

#include <algorithm>
#include <cstring>

namespace hospes::acpi {

namespace {

/// BIOS data, EBDA and ROMs are memory on every PC, though maps often leave them out.
/// I/O APICs, HPET, TPM, local APICs and the MSI window: registers, never tables, though maps call them reserved.
constexpr u64 chipset_registers_start = 0xFEC0'0000;
constexpr u64 chipset_registers_end = 0xFEF0'0000;

[[nodiscard]] bool may_hold_tables(boot::MemoryKind kind)
{
    return kind != boot::MemoryKind::Unusable && kind != boot::MemoryKind::Persistent;
}

}

bool FirmwareMemory::is_readable(u64 first, u64 end) const
{
    if (first < chipset_registers_end && end > chipset_registers_start) return false;
    u64 covered_to = std::max(first, std::min(end, boot::end_of_low_memory.raw()));
    for (boot::MemoryRange const& range : map_) {
        if (covered_to >= end) break;
        if (may_hold_tables(range.kind) && range.start.raw() <= covered_to && range.end().raw() > covered_to)
            covered_to = range.end().raw();
    }
    return covered_to >= end;
}

bool FirmwareMemory::read(Hpa where, std::span<u8> out) const
{
    u64 end = 0;
    if (__builtin_add_overflow(where.raw(), out.size(), &end) || !is_readable(where.raw(), end)) return false;
    while (!out.empty()) {
        size_t const piece = std::min<size_t>(out.size(), page_size - offset_in_page(where));
        std::memcpy(out.data(), reach_(where), piece);
        out = out.subspan(piece);
        where += piece;
    }
    return true;
}

}
