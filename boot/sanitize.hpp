// SPDX-License-Identifier: MIT
/// Makes a firmware's memory map fit for use.
#pragma once

#include "boot/boot_info.hpp"

namespace hospes::boot {

/// What was wrong with the map, for the log.
struct MapRepairs {
    u32 empty = 0;        ///< ranges of no bytes, dropped
    u32 overflowing = 0;  ///< ranges beyond the address space, cut off
    u32 unknown_kind = 0; ///< kinds that we do not know, now Reserved
    u32 overlapping = 0;  ///< overlaps, where the more restrictive kind won
    u32 lost = 0;         ///< ranges for which there was no room
};

/// Highest physical address plus one of the architecture.
inline constexpr u64 physical_address_limit = u64{1} << 52;

/// Afterwards the map is sorted and disjoint, neighbours of one kind are joined, and usable ranges are whole pages;
/// memory at and above `limit` is Unusable.
MapRepairs sanitize(StaticVector<MemoryRange, BootInfo::max_ranges>& map, u64 limit = physical_address_limit);

/// The words of the log.
[[nodiscard]] std::string_view kind_name(MemoryKind kind);

/// Reports the map and its repairs, and refuses to boot if there is no map or too little usable memory.
void log_memory_map(BootInfo const& info, MapRepairs const& repairs);

}
