// SPDX-License-Identifier: MIT
/// Frames in, frames out, and copying between them.
#include "kernel/dom0/staging.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernel/arch/memory.hpp"
#include "kernel/lib/sort.hpp"
#include "kernel/mm/frame_allocator.hpp"

namespace hospes::dom0 {

namespace {

/// Calls `act(where, bytes)` for each piece of a range that does not cross a frame's end.
template <typename Act>
void for_each_frame(Hpa where, u64 bytes, Act&& act)
{
    while (bytes != 0) {
        u64 const piece = std::min(bytes, page_size - offset_in_page(where));
        act(where, piece);
        where += piece;
        bytes -= piece;
    }
}

}

std::optional<StagingArea> StagingArea::of(u64 bytes)
{
    u64 const frames = pages_for(bytes);
    if (frames == 0 || frames > u64{1} << frames::max_order) return std::nullopt;
    unsigned const order = static_cast<unsigned>(std::bit_width(frames - 1));
    auto const first = frames::allocate(order);
    if (!first) return std::nullopt;
    return StagingArea{*first, order, bytes};
}

void StagingArea::release()
{
    if (std::exchange(bytes_, 0) != 0) frames::free(first_, order_);
}

std::span<u8> StagingArea::bytes() const
{
    if (bytes_ == 0) return {};
    return {static_cast<u8*>(arch::reach(first_)), bytes_};
}

std::optional<StagingArea> stage(boot::Module const& module)
{
    auto area = StagingArea::of(module.bytes);
    if (!area) return area;
    auto rest = area->bytes();
    for_each_frame(module.start, module.bytes, [&](Hpa from, u64 bytes) {
        std::memcpy(rest.data(), arch::reach(from), bytes);
        rest = rest.subspan(bytes);
    });
    return area;
}

ModuleFrames module_frames(boot::BootInfo const& info)
{
    ModuleFrames runs;
    for (boot::Module const& module : info.modules) {
        Hfn const first = frame_of(module.start);
        Hfn const end{pages_for(module.start.raw() + module.bytes)};
        static_cast<void>(runs.push_back({.first = first, .count = end - first})); // as large as the list of modules
    }
    sort(runs.items(), &FrameRun::first);
    for (size_t i = 1; i < runs.size(); ++i) {
        Hfn const end = std::max(runs[i].end(), runs[i - 1].end());
        runs[i].first = std::max(runs[i].first, runs[i - 1].end());
        runs[i].count = end - runs[i].first;
    }
    return runs;
}

void copy_to_physical(Hpa to, std::span<u8 const> bytes)
{
    for_each_frame(to, bytes.size(), [&](Hpa where, u64 count) {
        std::memcpy(arch::reach(where), bytes.data(), count);
        bytes = bytes.subspan(count);
    });
}

void clear_physical(Hpa where, u64 bytes)
{
    for_each_frame(where, bytes, [](Hpa piece, u64 count) { std::memset(arch::reach(piece), 0, count); });
}

}
