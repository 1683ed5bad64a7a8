// SPDX-License-Identifier: MIT
/// Buddy allocator over the host's frames that nobody holds.
#pragma once

#include "kernel/lib/address.hpp"
#include "kernel/lib/error.hpp"

namespace hospes::frames {

/// Largest block: 1 GiB.
inline constexpr unsigned max_order = 18;

/// 2^order contiguous frames, naturally aligned; contents are arbitrary. OutOfMemory if there is none.
/// Takes LockRank::FrameAllocator.
[[nodiscard]] Expected<Hfn> allocate(unsigned order = 0);
/// The same for blocks that take long: the records of all frames but the first are left to the caller, who gives every
/// frame to a domain (give_to) or marks it (mark_taken), and sees to the budget.
[[nodiscard]] Expected<Hfn> allocate_unmarked(unsigned order);
/// Makes frames from allocate_unmarked() such as allocate() returns.
void mark_taken(Hfn first, u64 count);
/// Like allocate(), filled with zeros.
[[nodiscard]] Expected<Hfn> allocate_zeroed(unsigned order = 0);
/// The highest free block below `limit` (used for memory that must be addressable with 32 bits).
/// OutOfMemory.
[[nodiscard]] Expected<Hfn> allocate_below(Hpa limit, unsigned order = 0);
/// Exactly this block, if all of it is free. For dom0, whose memory is where the guest expects it (design.md D6).
/// OutOfMemory if part of it is taken; Invalid if it is not aligned.
[[nodiscard]] Expected<> allocate_exactly(Hfn first, unsigned order = 0);
/// Gives back what allocate() returned.
void free(Hfn first, unsigned order = 0);
/// Gives back `count` frames that are part of what was allocated; neither number need be aligned.
void free_run(Hfn first, u64 count);

/// Adds usable memory; both numbers need no alignment. While booting only.
void add(Hfn first, u64 count);

/// dom0 has its memory: from here on blocks are chosen against fragmentation, not to keep low memory whole.
void booting_is_over();

[[nodiscard]] u64 free_count();
[[nodiscard]] u64 total_count();
/// One above the highest frame that is RAM.
[[nodiscard]] Hfn end_of_memory();

}
