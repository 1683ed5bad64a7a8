// SPDX-License-Identifier: MIT
/// A list of exclusions, in no order: it is short, and asked only when a mapping is first made.
#include "kernel/device_memory/device_windows.hpp"

#include <algorithm>

namespace hospes::dom0 {

Expected<> DeviceWindows::initialize(std::span<boot::MemoryRange const> host, unsigned physical_address_bits)
{
    end_ = Hfn{u64{1} << (physical_address_bits - page_shift)};
    for (boot::MemoryRange const& range : host) {
        bool const is_ram = range.kind == boot::MemoryKind::Usable || range.kind == boot::MemoryKind::Unusable;
        if (!is_ram) continue;
        if (auto const excluded = exclude(whole_frames(range)); !excluded) return failure(Error::TooBig);
    }
    return {};
}

Expected<> DeviceWindows::exclude(FrameRun run)
{
    if (run.count == 0) return {};
    if (!excluded_.push_back(run)) return failure(Error::NoSpace);
    return {};
}

bool DeviceWindows::allows(FrameRun run) const
{
    if (run.count == 0 || run.end() > end_ || run.end() < run.first) return false;
    return std::ranges::none_of(
        excluded_, [&](FrameRun const& other) { return other.first < run.end() && run.first < other.end(); });
}

/// The allowed frames from `position` on: none if it is excluded itself.
FrameRun DeviceWindows::allowed_from(Hfn position, Hfn limit) const
{
    Hfn end = limit;
    for (FrameRun const& other : excluded_)
        if (other.end() > position) end = std::min(end, std::max(other.first, position));
    return {.first = position, .count = end - position};
}

/// Where the exclusions that hold `position` end; `position` + 1 if there are none, so that a walk always advances.
Hfn DeviceWindows::end_of_exclusion_at(Hfn position) const
{
    Hfn end = position + 1;
    for (FrameRun const& other : excluded_)
        if (other.first <= position && position < other.end()) end = std::max(end, other.end());
    return end;
}

}
