// SPDX-License-Identifier: MIT
/// First fit behind the kernel, so that the memory below 16 MiB stays free for old devices' DMA.
#include "kernel/dom0/layout.hpp"

#include <algorithm>
#include <optional>

namespace hospes::dom0 {

namespace {

/// Half-open, in bytes.
struct Interval {
    u64 start = 0, end = 0;
    [[nodiscard]] constexpr bool overlaps(Interval const& other) const
    {
        return start < other.end && other.start < end;
    }
};

[[nodiscard]] Interval bytes_of(FrameRun const& run)
{
    return {address_of(run.first).raw(), address_of(run.end()).raw()};
}

class Planner {
public:
    Planner(MemoryMap const& map, std::span<FrameRun const> busy) : map_{map}, busy_{busy} {}

    [[nodiscard]] bool is_ram(Interval const& wanted) const
    {
        return std::ranges::any_of(map_, [&](boot::MemoryRange const& range) {
            return range.kind == boot::MemoryKind::Usable && range.start.raw() <= wanted.start &&
                   wanted.end <= range.end().raw();
        });
    }

    [[nodiscard]] bool is_busy(Interval const& wanted) const { return conflict_with(wanted).has_value(); }

    void take(Interval const& interval)
    {
        if (interval.start != interval.end && !taken_.push_back(interval)) full_ = true;
    }

    /// The lowest fitting place at or above `from`, below 4 GiB. It is then taken.
    [[nodiscard]] std::optional<Gpa> place(u64 bytes, u64 from)
    {
        u64 const size = round_up(bytes, page_size);
        for (boot::MemoryRange const& range : map_) {
            if (range.kind != boot::MemoryKind::Usable) continue;
            u64 const end = std::min(range.end().raw(), end_of_short_addresses);
            u64 start = round_up(std::max({range.start.raw(), from, 1 * mib}), page_size);
            for (; start < end && size <= end - start;) {
                Interval const candidate{start, start + size};
                auto const obstacle = conflict_with(candidate);
                if (!obstacle) {
                    take(candidate);
                    return full_ ? std::nullopt : std::optional{Gpa{start}};
                }
                start = round_up(obstacle->end, page_size);
            }
        }
        return std::nullopt;
    }

private:
    [[nodiscard]] std::optional<Interval> conflict_with(Interval const& wanted) const
    {
        for (Interval const& interval : taken_)
            if (interval.overlaps(wanted)) return interval;
        for (FrameRun const& run : busy_)
            if (bytes_of(run).overlaps(wanted)) return bytes_of(run);
        return std::nullopt;
    }

    MemoryMap const& map_;
    std::span<FrameRun const> busy_;
    StaticVector<Interval, 8> taken_;
    bool full_ = false;
};

}

Loaded<Layout> plan_layout(MemoryMap const& map, std::span<FrameRun const> busy, LayoutRequest const& request)
{
    Planner planner{map, busy};
    Interval const kernel{request.kernel_start.raw(), request.kernel_end.raw()};
    if (kernel.start < mib || !planner.is_ram(kernel)) return cannot_load(LoadFailure::KernelOutsideMemory);
    if (planner.is_busy(kernel)) return cannot_load(LoadFailure::NotEnoughMemoryToUnpack);
    planner.take(kernel);

    auto const place = [&](u64 bytes, LoadFailure otherwise) -> Loaded<Gpa> {
        if (bytes == 0) return Gpa{};
        if (auto const behind = planner.place(bytes, kernel.end)) return *behind;
        if (auto const anywhere = planner.place(bytes, 0)) return *anywhere;
        return cannot_load(otherwise);
    };
    auto const initrd = place(request.initrd_bytes, LoadFailure::NoRoomForInitrd);
    if (!initrd) return cannot_load(initrd.error());
    auto const start_info = place(request.start_info_bytes, LoadFailure::NoRoomForStartInfo);
    if (!start_info) return cannot_load(start_info.error());
    auto const acpi = place(request.acpi_bytes, LoadFailure::NoRoomForAcpiTables);
    if (!acpi) return cannot_load(acpi.error());
    return Layout{.initrd = *initrd, .start_info = *start_info, .acpi = *acpi};
}

}
