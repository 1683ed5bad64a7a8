// SPDX-License-Identifier: MIT
/// The hypervisor's own page tables: the long-mode format, for the supervisor only.
/// (AMD64 APM volume 2, section 5.3 "Long-Mode Page Translation"; memory types: section 7.8, the power-on PAT.)
#pragma once

#include <array>

#include "kernel/mm/page_table.hpp"

namespace hospes {

struct HostFormat {
    static constexpr unsigned levels = 4;
    static constexpr unsigned largest_leaf_level = 2;

    static constexpr u64 present = 1 << 0, writable = 1 << 1, write_through = 1 << 3, cache_disable = 1 << 4;
    static constexpr u64 accessed = 1 << 5, dirty = 1 << 6, large = 1 << 7;
    static constexpr u64 no_execute = u64{1} << 63;
    static constexpr u64 frame_bits = 0x000f'ffff'ffff'f000;
    static constexpr unsigned type_shift = 52;
    static constexpr u64 type_mask = u64{0xf} << type_shift;

    /// PWT and PCD for each MemoryType.
    static constexpr std::array<u64, 5> cache_bits{write_through | cache_disable, cache_disable, write_through,
                                                   write_through, 0};

    static constexpr u64 table(Hpa next, unsigned) { return next.raw() | present | writable; }
    /// Accessed and dirty from the start: nobody looks at them, and the CPU need not write them.
    static constexpr u64 leaf(Hpa page, unsigned level, Access access, MemoryType memory, MappingType type)
    {
        return page.raw() | present | accessed | dirty | (access.write ? writable : 0) |
               (access.execute ? 0 : no_execute) | cache_bits[static_cast<u8>(memory)] | (level > 0 ? large : 0) |
               static_cast<u64>(type) << type_shift;
    }
    static constexpr bool is_present(u64 entry) { return (entry & present) != 0; }
    static constexpr bool is_leaf(u64 entry, unsigned level) { return level == 0 || (entry & large) != 0; }
    static constexpr Hpa target(u64 entry, unsigned) { return Hpa{entry & frame_bits}; }
    static constexpr Access access(u64 entry)
    {
        return {.read = true, .write = (entry & writable) != 0, .execute = (entry & no_execute) == 0};
    }
    static constexpr MappingType type(u64 entry) { return static_cast<MappingType>((entry & type_mask) >> type_shift); }
    static constexpr u64 smaller(u64 entry, unsigned level, Hpa page)
    {
        return (entry & ~frame_bits & ~(level == 1 ? large : 0)) | page.raw();
    }
};
static_assert(PageTableFormat<HostFormat>);

}
