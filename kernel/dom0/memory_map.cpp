// SPDX-License-Identifier: MIT
/// Cutting RAM up, joining neighbours, and making the result short enough.
#include "kernel/dom0/memory_map.hpp"

#include <algorithm>

namespace hospes::dom0 {

namespace {

using boot::MemoryKind;
using boot::MemoryRange;

/// Room for what cutting can produce before short() has been at work.
using LongMap = StaticVector<MemoryRange, 2 * boot::BootInfo::max_ranges>;

class Cutter {
public:
    Cutter(LongMap& map, std::span<FrameRun const> held, u64 budget) : map_{map}, held_{held}, budget_{budget}
    {
        map_.clear();
    }

    void take(MemoryRange const& range)
    {
        if (range.kind != MemoryKind::Usable) {
            append(range);
            return;
        }
        FrameRun const ram = whole_frames(range);
        Hfn position = ram.first;
        for (FrameRun const& held : held_) {
            Hfn const start = std::clamp(held.first, position, ram.end());
            Hfn const end = std::clamp(held.end(), position, ram.end());
            if (start == end) continue;
            give(position, start);
            append_frames(start, end, MemoryKind::Unusable);
            position = end;
        }
        give(position, ram.end());
    }

    [[nodiscard]] bool is_complete() const { return complete_; }

private:
    /// RAM as long as the budget lasts.
    void give(Hfn start, Hfn end)
    {
        u64 const count = std::min(end - start, budget_);
        budget_ -= count;
        append_frames(start, start + count, MemoryKind::Usable);
        append_frames(start + count, end, MemoryKind::Unusable);
    }

    void append_frames(Hfn start, Hfn end, MemoryKind kind)
    {
        append({.start = address_of(start), .bytes = (end - start) << page_shift, .kind = kind});
    }

    void append(MemoryRange const& range)
    {
        if (range.bytes == 0) return;
        MemoryRange* const last = map_.empty() ? nullptr : &map_[map_.size() - 1];
        if (last && last->kind == range.kind && last->end() == range.start)
            last->bytes += range.bytes;
        else
            complete_ &= map_.push_back(range);
    }

    LongMap& map_;
    std::span<FrameRun const> held_;
    u64 budget_;
    bool complete_ = true;
};

/// Takes range `index` out of the map, as part of an unusable neighbour if there is one.
void leave_out(LongMap& map, size_t index)
{
    MemoryRange const gone = map[index];
    map.erase(index);
    if (index > 0 && map[index - 1].kind == MemoryKind::Unusable && map[index - 1].end() == gone.start) {
        map[index - 1].bytes += gone.bytes;
        if (index < map.size() && map[index].kind == MemoryKind::Unusable && map[index].start == gone.end()) {
            map[index - 1].bytes += map[index].bytes;
            map.erase(index);
        }
    } else if (index < map.size() && map[index].kind == MemoryKind::Unusable && map[index].start == gone.end()) {
        map[index].start = gone.start;
        map[index].bytes += gone.bytes;
    }
}

/// The entry that is missed least: unusable memory (a hole serves nearly as well), then the smallest RAM.
/// RAM below 1 MiB stays: kernels need it to start CPUs.
[[nodiscard]] std::optional<size_t> least_important(LongMap const& map)
{
    std::optional<size_t> best;
    for (size_t i = 0; i < map.size(); ++i) {
        bool const may_go = map[i].kind == MemoryKind::Usable && map[i].start.raw() >= mib;
        if (may_go && (!best || map[i].bytes < map[*best].bytes)) best = i;
    }
    if (best) return best;
    auto const unusable = std::ranges::find(map.items(), MemoryKind::Unusable, &MemoryRange::kind);
    if (unusable == map.items().end()) return std::nullopt;
    return static_cast<size_t>(unusable - map.items().begin());
}

}

Expected<MemoryMap> make_memory_map(std::span<MemoryRange const> host, std::span<FrameRun const> held, u64 budget)
{
    constexpr size_t for_the_acpi_tables = 2; // mark_as_acpi() may split an entry into three
    static constinit LongMap map;             // too large for the stack; used while booting, by one CPU
    Cutter cutter{map, held, budget};
    for (MemoryRange const& range : host) cutter.take(range);
    if (!cutter.is_complete()) return failure(Error::TooBig);

    while (map.size() > max_map_entries - for_the_acpi_tables) {
        auto const victim = least_important(map);
        if (!victim) return failure(Error::TooBig);
        leave_out(map, *victim);
    }
    MemoryMap result;
    for (MemoryRange const& range : map)
        if (!result.push_back(range)) return failure(Error::TooBig);
    return result;
}

u64 usable_frames(std::span<MemoryRange const> map)
{
    u64 frames = 0;
    for (MemoryRange const& range : map)
        if (range.kind == MemoryKind::Usable) frames += whole_frames(range).count;
    return frames;
}

Expected<> mark_as_acpi(MemoryMap& map, Hpa where, u64 bytes)
{
    Hpa const end = where + bytes;
    auto const holds = [&](MemoryRange const& range) {
        return range.kind == MemoryKind::Usable && range.start <= where && end <= range.end();
    };
    auto const found = std::ranges::find_if(map.items(), holds);
    if (found == map.items().end()) return failure(Error::Invalid);
    if (map.size() + 2 > MemoryMap::capacity) return failure(Error::NoSpace);

    MemoryRange const whole = *found;
    size_t index = static_cast<size_t>(found - map.items().begin());
    map.erase(index);
    bool inserted = true;
    if (where != whole.start)
        inserted &=
            map.insert(index++, {.start = whole.start, .bytes = where - whole.start, .kind = MemoryKind::Usable});
    inserted &= map.insert(index++, {.start = where, .bytes = bytes, .kind = MemoryKind::AcpiReclaimable});
    if (end != whole.end())
        inserted &= map.insert(index, {.start = end, .bytes = whole.end() - end, .kind = MemoryKind::Usable});
    return inserted ? Expected<>{} : failure(Error::NoSpace);
}

}
