// SPDX-License-Identifier: MIT
/// VT-d second-level page tables, of three or four levels as the units can.
/// (Intel Virtualization Technology for Directed I/O, revision 4.1, section 9.8)
#pragma once

#include "kernel/mm/page_table.hpp"

namespace hospes::iommu {

template <unsigned levels_>
struct VtdFormat {
    static constexpr unsigned levels = levels_;
    static constexpr unsigned largest_leaf_level = 2;

    static constexpr u64 readable = 1 << 0, writable = 1 << 1, large = 1 << 7;
    static constexpr u64 frame_bits = 0x000f'ffff'ffff'f000;
    static constexpr unsigned type_shift = 52; ///< bits 52..58 are ignored by the hardware
    static constexpr u64 type_mask = u64{0xf} << type_shift;

    static constexpr u64 table(Hpa next, unsigned) { return next.raw() | readable | writable; }
    static constexpr u64 leaf(Hpa page, unsigned level, Access access, MemoryType, MappingType type)
    {
        return page.raw() | (access.read ? readable : 0) | (access.write ? writable : 0) | (level > 0 ? large : 0) |
               static_cast<u64>(type) << type_shift;
    }
    static constexpr bool is_present(u64 entry) { return (entry & (readable | writable)) != 0; }
    static constexpr bool is_leaf(u64 entry, unsigned level) { return level == 0 || (entry & large) != 0; }
    static constexpr Hpa target(u64 entry, unsigned) { return Hpa{entry & frame_bits}; }
    static constexpr Access access(u64 entry)
    {
        return {.read = (entry & readable) != 0, .write = (entry & writable) != 0, .execute = false};
    }
    static constexpr MappingType type(u64 entry) { return static_cast<MappingType>((entry & type_mask) >> type_shift); }
    static constexpr u64 smaller(u64 entry, unsigned level, Hpa page)
    {
        return (entry & ~frame_bits & ~(level == 1 ? large : 0)) | page.raw();
    }
};
static_assert(PageTableFormat<VtdFormat<3>> && PageTableFormat<VtdFormat<4>>);
static_assert(VtdFormat<4>::leaf(Hpa{0x20'0000}, 1, read_only, MemoryType::WriteBack, MappingType::Ram) ==
              (0x20'0081 | u64{1} << 52));

}
