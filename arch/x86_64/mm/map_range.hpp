// SPDX-License-Identifier: MIT
/// Maps a range in the largest pages that alignment and CPU allow.
#pragma once

#include "kernel/mm/page_table.hpp"

namespace hospes {

/// Pages of a virtual range, their memory, and how to reach it.
struct RangeMapping {
    Gfn first; ///< virtual page number, 36 bits
    Hfn frame;
    u64 count;
    Access access;
    MemoryType memory;
};

/// The largest leaf for the first page of `range`.
[[nodiscard]] inline unsigned largest_level(RangeMapping const& range, unsigned limit)
{
    unsigned level = limit;
    while (level > 0 &&
           (((range.first.raw() | range.frame.raw()) & (frames_at(level) - 1)) != 0 || range.count < frames_at(level)))
        --level;
    return level;
}

/// On failure (OutOfMemory, or Exists if part of it is mapped already) what was mapped so far stays.
template <typename Tables>
[[nodiscard]] Expected<> map_range(Tables& tables, RangeMapping range, unsigned level_limit)
{
    while (range.count != 0) {
        unsigned const level = largest_level(range, level_limit);
        auto const mapped =
            tables.map(range.first, range.frame, order_of(level), range.access, range.memory, MappingType::None);
        if (!mapped) return mapped;
        u64 const frames = frames_at(level);
        range = {range.first + frames, range.frame + frames, range.count - frames, range.access, range.memory};
    }
    return {};
}

}
