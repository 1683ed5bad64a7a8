// SPDX-License-Identifier: MIT
/// Extended page tables.
/// (Intel SDM volume 3, section "The Extended Page Table Mechanism (EPT)", format of EPT entries.)
#pragma once

#include <array>

#include "kernel/mm/page_table.hpp"

namespace hospes {

struct EptFormat {
    static constexpr unsigned levels = 4;
    static constexpr unsigned largest_leaf_level = 2;

    static constexpr u64 read = 1 << 0, write = 1 << 1, execute = 1 << 2, large = 1 << 7;
    static constexpr unsigned memory_type_shift = 3;
    static constexpr u64 frame_bits = 0x000f'ffff'ffff'f000;
    static constexpr unsigned type_shift = 52; ///< bits 52..55 are ignored by the processor
    static constexpr u64 type_mask = u64{0xf} << type_shift;

    /// Encodings of MemoryType, as in the PAT. (SDM volume 3, "Memory Type Range Registers", table of encodings.)
    static constexpr std::array<u64, 5> memory_types{0, 1, 4, 5, 6};

    static constexpr u64 table(Hpa next, unsigned) { return next.raw() | read | write | execute; }
    static constexpr u64 leaf(Hpa page, unsigned level, Access access, MemoryType memory, MappingType type)
    {
        return page.raw() | (access.read ? read : 0) | (access.write ? write : 0) | (access.execute ? execute : 0) |
               memory_types[static_cast<u8>(memory)] << memory_type_shift | (level > 0 ? large : 0) |
               static_cast<u64>(type) << type_shift;
    }
    static constexpr bool is_present(u64 entry) { return (entry & (read | write | execute)) != 0; }
    static constexpr bool is_leaf(u64 entry, unsigned level) { return level == 0 || (entry & large) != 0; }
    static constexpr Hpa target(u64 entry, unsigned) { return Hpa{entry & frame_bits}; }
    static constexpr Access access(u64 entry)
    {
        return {.read = (entry & read) != 0, .write = (entry & write) != 0, .execute = (entry & execute) != 0};
    }
    static constexpr MappingType type(u64 entry) { return static_cast<MappingType>((entry & type_mask) >> type_shift); }
    static constexpr u64 smaller(u64 entry, unsigned level, Hpa page)
    {
        return (entry & ~frame_bits & ~(level == 1 ? large : 0)) | page.raw();
    }
};
static_assert(PageTableFormat<EptFormat>);

}
