// SPDX-License-Identifier: MIT
/// AMD's page tables for devices, four levels. Each entry says which level it leads to; 0 is a page.
/// (AMD I/O Virtualization Technology Specification, 48882 revision 3.08, section 2.2.3)
#pragma once

#include "kernel/mm/page_table.hpp"

namespace hospes::iommu {

struct AmdFormat {
    static constexpr unsigned levels = 4;
    static constexpr unsigned largest_leaf_level = 2;

    static constexpr u64 present = 1 << 0;
    static constexpr unsigned type_shift = 1; ///< bits 1..4 are ignored by the hardware
    static constexpr u64 type_mask = u64{0xf} << type_shift;
    static constexpr unsigned next_level_shift = 9;
    static constexpr u64 next_level_mask = u64{7} << next_level_shift;
    static constexpr u64 frame_bits = 0x000f'ffff'ffff'f000;
    static constexpr u64 readable = u64{1} << 61, writable = u64{1} << 62;

    /// The manual counts levels from 1: the table of our level - 1 is its "level".
    static constexpr u64 table(Hpa next, unsigned level)
    {
        return next.raw() | present | readable | writable | u64{level} << next_level_shift;
    }
    static constexpr u64 leaf(Hpa page, unsigned, Access access, MemoryType, MappingType type)
    {
        return page.raw() | present | (access.read ? readable : 0) | (access.write ? writable : 0) |
               static_cast<u64>(type) << type_shift;
    }
    static constexpr bool is_present(u64 entry) { return (entry & present) != 0; }
    static constexpr bool is_leaf(u64 entry, unsigned) { return (entry & next_level_mask) == 0; }
    static constexpr Hpa target(u64 entry, unsigned) { return Hpa{entry & frame_bits}; }
    static constexpr Access access(u64 entry)
    {
        return {.read = (entry & readable) != 0, .write = (entry & writable) != 0, .execute = false};
    }
    static constexpr MappingType type(u64 entry) { return static_cast<MappingType>((entry & type_mask) >> type_shift); }
    static constexpr u64 smaller(u64 entry, unsigned, Hpa page) { return (entry & ~frame_bits) | page.raw(); }
};
static_assert(PageTableFormat<AmdFormat>);
static_assert(!AmdFormat::is_leaf(AmdFormat::table(Hpa{0x1000}, 1), 1) &&
              AmdFormat::target(AmdFormat::table(Hpa{0x1000}, 3), 3) == Hpa{0x1000});

}
