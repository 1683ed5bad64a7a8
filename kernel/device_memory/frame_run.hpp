// SPDX-License-Identifier: MIT
/// Stretches of whole frames, as dom0's memory and devices are reckoned in.
#pragma once

#include "boot/boot_info.hpp"
#include "kernel/lib/address.hpp"

namespace hospes::dom0 {

/// Whole frames of host memory.
struct FrameRun {
    Hfn first{};
    u64 count = 0;
    [[nodiscard]] constexpr Hfn end() const { return first + count; }
};

/// The whole frames of a range of RAM: a frame that is only partly RAM is none.
[[nodiscard]] inline FrameRun whole_frames(boot::MemoryRange const& range)
{
    u64 const first = pages_for(range.start.raw());
    u64 const end = range.end().raw() >> page_shift;
    return {.first = Hfn{first}, .count = end > first ? end - first : 0};
}

}
