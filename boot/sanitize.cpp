// SPDX-License-Identifier: MIT
/// Firmware memory maps overlap, overflow and repeat themselves. The cure is a sweep over all the addresses where a
/// range begins or ends: between two of them the most restrictive of the kinds that cover the piece is the truth.
#include "boot/sanitize.hpp"

#include <algorithm>
#include <array>

#include "kernel/lib/sort.hpp"
#include "kernel/log/log.hpp"
#include "kernel/log/panic.hpp"

namespace hospes::boot {
namespace {

using Map = StaticVector<MemoryRange, BootInfo::max_ranges>;

struct KindRow {
    MemoryKind kind;
    u8 restriction; ///< the higher one wins where two ranges overlap
    std::string_view name;
};
constexpr std::array kinds{
    KindRow{MemoryKind::Usable, 0, "usable"},        KindRow{MemoryKind::AcpiReclaimable, 1, "ACPI tables"},
    KindRow{MemoryKind::AcpiNvs, 2, "ACPI storage"}, KindRow{MemoryKind::Persistent, 3, "persistent"},
    KindRow{MemoryKind::Reserved, 4, "reserved"},    KindRow{MemoryKind::Unusable, 5, "unusable"},
};

KindRow const* row_of(MemoryKind kind)
{
    auto const found = std::ranges::find(kinds, kind, &KindRow::kind);
    return found == kinds.end() ? nullptr : &*found;
}

unsigned restriction(MemoryKind kind) { return row_of(kind)->restriction; }

/// Corrects each range for itself.
void repair_entries(Map& map, MapRepairs& repairs)
{
    for (size_t i = 0; i < map.size();) {
        MemoryRange& range = map[i];
        if (range.bytes == 0 || range.start.raw() >= physical_address_limit) {
            ++(range.bytes == 0 ? repairs.empty : repairs.overflowing);
            map.erase(i);
            continue;
        }
        if (range.bytes > physical_address_limit - range.start.raw()) {
            range.bytes = physical_address_limit - range.start.raw();
            ++repairs.overflowing;
        }
        if (row_of(range.kind) == nullptr) {
            range.kind = MemoryKind::Reserved;
            ++repairs.unknown_kind;
        }
        ++i;
    }
}

/// Appends a piece, joined with the one before it where possible.
bool append(Map& map, Hpa start, Hpa end, MemoryKind kind)
{
    if (!map.empty()) {
        MemoryRange& last = map[map.size() - 1];
        if (last.kind == kind && last.end() == start) {
            last.bytes += end - start;
            return true;
        }
    }
    return map.push_back({start, end - start, kind});
}

/// Which kind the addresses from `from` on have, and where that may change.
struct Piece {
    std::optional<MemoryKind> kind;
    Hpa end{physical_address_limit};
    unsigned covering = 0;
};

Piece piece_at(Map const& sorted, Hpa from)
{
    Piece piece;
    for (MemoryRange const& range : sorted) {
        if (range.end() <= from) continue;
        if (range.start > from) {
            piece.end = std::min(piece.end, range.start);
            break;
        }
        piece.end = std::min(piece.end, range.end());
        ++piece.covering;
        if (!piece.kind || restriction(range.kind) > restriction(*piece.kind)) piece.kind = range.kind;
    }
    return piece;
}

void resolve_overlaps(Map& map, MapRepairs& repairs)
{
    static constinit Map resolved;
    resolved.clear();
    sort(map, &MemoryRange::start);
    for (Hpa at{0}; at.raw() < physical_address_limit;) {
        Piece const piece = piece_at(map, at);
        if (piece.covering > 1) ++repairs.overlapping;
        if (piece.kind && !append(resolved, at, piece.end, *piece.kind)) ++repairs.lost;
        at = piece.end;
    }
    map = resolved;
}

/// Part of a page is of no use; and what is above `limit` was excluded by the admin.
void trim_usable(Map& map, u64 limit)
{
    static constinit Map trimmed;
    trimmed.clear();
    for (MemoryRange const& range : map) {
        if (range.kind != MemoryKind::Usable) {
            static_cast<void>(append(trimmed, range.start, range.end(), range.kind));
            continue;
        }
        u64 const start = round_up(range.start.raw(), page_size);
        u64 const end = round_down(range.end().raw(), page_size);
        u64 const kept = std::clamp(round_down(limit, page_size), start, std::max(start, end));
        if (kept > start) static_cast<void>(append(trimmed, Hpa{start}, Hpa{kept}, MemoryKind::Usable));
        if (end > kept) static_cast<void>(append(trimmed, Hpa{kept}, Hpa{end}, MemoryKind::Unusable));
    }
    map = trimmed;
}

void log_repair(u32 count, std::string_view what)
{
    if (count != 0) log_warning("memory map: {} {}", count, what);
}

}

MapRepairs sanitize(Map& map, u64 limit)
{
    MapRepairs repairs;
    repair_entries(map, repairs);
    resolve_overlaps(map, repairs);
    trim_usable(map, limit);
    return repairs;
}

std::string_view kind_name(MemoryKind kind)
{
    KindRow const* const row = row_of(kind);
    return row == nullptr ? "unknown" : row->name;
}

void log_memory_map(BootInfo const& info, MapRepairs const& repairs)
{
    constexpr u64 least_usable = 64 * mib;
    if (info.memory_map.empty())
        refuse_to_boot("the boot loader gave no memory map; boot with a Multiboot loader that does, such as GRUB 2");
    u64 usable = 0;
    log_info("memory map of the firmware:");
    for (MemoryRange const& range : info.memory_map) {
        log_info("    {:x} - {:x} {}", range.start, range.end(), kind_name(range.kind));
        if (range.kind == MemoryKind::Usable) usable += range.bytes;
    }
    log_repair(repairs.empty, "empty ranges dropped");
    log_repair(repairs.overflowing, "ranges beyond the physical address space cut off");
    log_repair(repairs.unknown_kind, "ranges of unknown kind taken as reserved");
    log_repair(repairs.overlapping, "overlaps given to the more restrictive kind");
    log_repair(repairs.lost, "ranges lost, there are too many");
    log_info("usable memory: {} MiB", usable / mib);
    if (usable < least_usable)
        refuse_to_boot("{} MiB of usable memory are too little; at least {} MiB are needed", usable / mib,
                       least_usable / mib);
}

}
