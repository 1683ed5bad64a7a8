// SPDX-License-Identifier: MIT
/// From the boot loader's memory map to free frames; the frame table itself is placed first.
#include "kernel/mm/memory.hpp"

#include <algorithm>

#include "kernel/arch/memory.hpp"
#include "kernel/log/log.hpp"
#include "kernel/log/panic.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "kernel/mm/frame_table.hpp"

namespace hospes::memory_setup {

namespace {

/// Whole frames [first, end).
struct Run {
    Hfn first{};
    Hfn end{};
    [[nodiscard]] bool empty() const { return first >= end; }
};

/// The frames that lie wholly inside a usable range.
Run inside(boot::MemoryRange const& range) { return {Hfn{pages_for(range.start.raw())}, frame_of(range.end())}; }

/// The frames that a kept range touches.
Run around(boot::MemoryRange const& range) { return {frame_of(range.start), Hfn{pages_for(range.end().raw())}}; }

/// Calls `act(run)` for each run of usable frames outside of `keep_out`.
template <typename Act>
void for_each_free_run(std::span<boot::MemoryRange const> map, std::span<boot::MemoryRange const> keep_out, Act act)
{
    for (boot::MemoryRange const& range : map) {
        if (range.kind != boot::MemoryKind::Usable) continue;
        Run const usable = inside(range);
        for (Hfn position = usable.first; position < usable.end;) {
            Hfn end = usable.end;
            Hfn next = usable.end;
            for (boot::MemoryRange const& kept : keep_out) {
                Run const hole = around(kept);
                if (hole.end <= position || hole.first >= end) continue;
                end = std::max(hole.first, position);
                next = std::min(hole.end, usable.end);
            }
            if (position < end) act(Run{position, end});
            position = next;
        }
    }
}

Hfn end_of(std::span<boot::MemoryRange const> map)
{
    Hfn end{};
    for (boot::MemoryRange const& range : map)
        if (range.kind == boot::MemoryKind::Usable) end = std::max(end, inside(range).end);
    return end;
}

/// The place for the frame table: the end of the highest run that has room for it.
Run place_table(std::span<boot::MemoryRange const> map, std::span<boot::MemoryRange const> keep_out, u64 bytes)
{
    u64 const pages = pages_for(bytes);
    Run best;
    for_each_free_run(map, keep_out, [&](Run run) {
        if (run.end - run.first >= pages && run.end > best.end) best = {run.end - pages, run.end};
    });
    if (best.empty())
        refuse_to_boot(
            "no usable memory range has room for the frame table ({} MiB): the machine has too little memory, or "
            "its firmware's map cuts it into small pieces",
            bytes / mib);
    return best;
}

}

void adopt(std::span<boot::MemoryRange const> map, std::span<boot::MemoryRange const> keep_out)
{
    Hfn const end = end_of(map);
    u64 const bytes = frames::table_bytes(end);
    Run const table = place_table(map, keep_out, bytes);
    frames::adopt_table(arch::reach(table.first), end);
    // Frames that we keep out are memory all the same: they get records, so that they can be given back later.
    for (boot::MemoryRange const& range : map) {
        if (range.kind != boot::MemoryKind::Usable) continue;
        Run const usable = inside(range);
        for (Hfn frame = usable.first; frame < usable.end; frame += 1) frames::note_present(frame);
    }
    for_each_free_run(map, keep_out, [&](Run run) {
        if (run.first <= table.first && table.end <= run.end) {
            frames::add(run.first, table.first - run.first);
            frames::add(table.end, run.end - table.end);
        } else {
            frames::add(run.first, run.end - run.first);
        }
    });
    log_info("memory: {} MiB free, frame table {} KiB at {:x}", frames::free_count() * page_size / mib, bytes / kib,
             address_of(table.first));
}

}
