// SPDX-License-Identifier: MIT
/// Entries of long-mode page tables, which the CPU walks for itself and, with nested paging, for guests.
/// (AMD64 APM volume 2, section 5.3 "Long-Mode Page Translation"; memory types: section 7.8, the power-on PAT.)
#pragma once

#include <array>

#include "kernel/mm/page_table.hpp"

namespace hospes {

namespace long_mode {
inline constexpr u64 present = 1 << 0, writable = 1 << 1, user = 1 << 2;
inline constexpr u64 write_through = 1 << 3, cache_disable = 1 << 4;
inline constexpr u64 accessed = 1 << 5, dirty = 1 << 6, large = 1 << 7;
inline constexpr u64 no_execute = u64{1} << 63;
inline constexpr u64 frame_bits = 0x000f'ffff'ffff'f000;
inline constexpr unsigned type_shift = 52; ///< bits 52..55 are available to software
inline constexpr u64 type_mask = u64{0xf} << type_shift;

/// PWT and PCD for each MemoryType: WB, WT, UC-, UC.
inline constexpr std::array<u64, 5> cache_bits{write_through | cache_disable, cache_disable, write_through,
                                               write_through, 0};
}

/// `in_tables` and `in_leaves` are set in every entry of that kind.
template <u64 in_tables, u64 in_leaves>
struct LongModeFormat {
    static constexpr unsigned levels = 4;
    static constexpr unsigned largest_leaf_level = 2;

    static constexpr u64 table(Hpa next, unsigned)
    {
        return next.raw() | long_mode::present | long_mode::writable | in_tables;
    }
    static constexpr u64 leaf(Hpa page, unsigned level, Access access, MemoryType memory, MappingType type)
    {
        using namespace long_mode;
        return page.raw() | present | in_leaves | (access.write ? writable : 0) | (access.execute ? 0 : no_execute) |
               cache_bits[static_cast<u8>(memory)] | (level > 0 ? large : 0) | static_cast<u64>(type) << type_shift;
    }
    static constexpr bool is_present(u64 entry) { return (entry & long_mode::present) != 0; }
    static constexpr bool is_leaf(u64 entry, unsigned level) { return level == 0 || (entry & long_mode::large) != 0; }
    static constexpr Hpa target(u64 entry, unsigned) { return Hpa{entry & long_mode::frame_bits}; }
    static constexpr Access access(u64 entry)
    {
        return {
            .read = true, .write = (entry & long_mode::writable) != 0, .execute = (entry & long_mode::no_execute) == 0};
    }
    static constexpr MappingType type(u64 entry)
    {
        return static_cast<MappingType>((entry & long_mode::type_mask) >> long_mode::type_shift);
    }
    /// A leaf of the level below with the same rights, for a part of what `entry` maps.
    static constexpr u64 smaller(u64 entry, unsigned level, Hpa page)
    {
        return (entry & ~long_mode::frame_bits & ~(level == 1 ? long_mode::large : 0)) | page.raw();
    }
};

}
