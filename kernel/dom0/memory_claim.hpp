// SPDX-License-Identifier: MIT
/// Which host frames dom0 can get, and taking them.
#pragma once

#include <algorithm>
#include <span>

#include "kernel/dom0/memory_map.hpp"

namespace hospes {
class Domain;
}

namespace hospes::dom0 {

struct Survey {
    StaticVector<FrameRun, 256> held; ///< RAM that the hypervisor keeps; sorted, disjoint
    u64 total = 0;                    ///< frames of RAM in the host's map
    u64 available = 0;                ///< of them, those dom0 can have
};

/// RAM below this is not in the allocator: it holds what the firmware left for its own kind of kernels, so dom0 gets it
/// with its contents.

/// The part of a range of RAM that lies below, or not below, boot::end_of_low_memory.
[[nodiscard]] FrameRun low_frames(boot::MemoryRange const& range);
[[nodiscard]] FrameRun high_frames(boot::MemoryRange const& range);

/// Makes the low memory's frames ordinary claimed ones. Once.
void claim_low_memory(std::span<boot::MemoryRange const> host);

/// Finds out by asking the allocator for every frame (and giving it back). `staged` frames and low memory, which has
/// been claimed, count as available.
void survey(Survey& result, std::span<boot::MemoryRange const> host, std::span<FrameRun const> staged);

/// Cuts `run` into naturally aligned blocks of orders 18, 9 and 0 and calls `act(first, order)` for each; stops at the
/// first error.
template <typename Act>
[[nodiscard]] Expected<> for_each_block(FrameRun run, Act&& act)
{
    while (run.count != 0) {
        unsigned order = 18;
        while (order != 0 && (run.first.raw() % (u64{1} << order) != 0 || run.count < u64{1} << order)) order -= 9;
        if (Expected<> const done = act(run.first, order); !done) return done;
        run.first += u64{1} << order;
        run.count -= u64{1} << order;
    }
    return {};
}

/// Calls `act(run)` for the parts of `run` outside of `holes`, which are in no order.
template <typename Act>
[[nodiscard]] Expected<> for_each_part_outside(FrameRun run, std::span<FrameRun const> holes, Act&& act)
{
    for (Hfn position = run.first; position < run.end();) {
        Hfn end = run.end(), next = run.end();
        for (FrameRun const& hole : holes) {
            if (hole.count == 0 || hole.end() <= position || hole.first >= end) continue;
            end = std::max(hole.first, position);
            next = std::min(hole.end(), run.end());
        }
        if (end > position)
            if (Expected<> const done = act(FrameRun{position, end - position}); !done) return done;
        position = next;
    }
    return {};
}

/// Takes every frame of `run` from the allocator. All must be free: the survey said so.
void claim(FrameRun run);
/// Makes claimed frames dom0's and maps them where they are. OutOfMemory.
[[nodiscard]] Expected<> hand_over(Domain& domain, FrameRun run);

}
