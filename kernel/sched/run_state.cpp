// SPDX-License-Identifier: MIT
#include "kernel/sched/run_state.hpp"

#include <algorithm>
#include <cstring>

#include "kernel/arch/virtual_cpu.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/domain/guest_presence.hpp"

namespace hospes::run_state {

void change(Vcpu& vcpu, RunState::Kind to, u64 now)
{
    RunState& state = vcpu.run_state;
    u64 const elapsed = now > state.entered ? now - state.entered : 0;
    state.time[static_cast<u32>(state.state)] += elapsed;
    state.state = to;
    state.entered = now;
}

xen::RunstateInfo read(Vcpu const& vcpu, u64 now)
{
    RunState const& state = vcpu.run_state;
    xen::RunstateInfo info{};
    info.state = static_cast<xen::Runstate>(state.state);
    info.state_entry_time = state.entered;
    std::copy(state.time.begin(), state.time.end(), info.time.begin());
    if (now > state.entered) info.time[static_cast<u32>(state.state)] += now - state.entered;
    return info;
}

void write_area(RunState::Area const& area, u64 offset, std::span<u8 const> bytes)
{
    for (size_t i = 0; i < bytes.size(); ++i) {
        u64 const at = area.offset + offset + i;
        auto const& page = at < page_size ? area.first : area.second;
        if (page) *page->at<u8 volatile>(at & page_mask) = bytes[i];
    }
}

namespace {

template <typename T>
void write_value(RunState::Area const& area, u64 offset, T const& value)
{
    // An object inside one page is written in one go; only one that straddles two pages goes byte by byte.
    u64 const at = area.offset + offset;
    auto const& page = at < page_size ? area.first : area.second;
    if (page && (at & page_mask) + sizeof(T) <= page_size)
        std::memcpy(page->at<u8>(at & page_mask), &value, sizeof(T));
    else
        write_area(area, offset, {reinterpret_cast<u8 const*>(&value), sizeof(T)});
}

}

void publish(Vcpu& vcpu)
{
    auto const& area = vcpu.run_state.area;
    if (!area) return;
    RunState const& state = vcpu.run_state;
    xen::RunstateInfo info{};
    info.state = static_cast<xen::Runstate>(state.state);
    info.state_entry_time = state.entered;
    std::copy(state.time.begin(), state.time.end(), info.time.begin());

    if (!vcpu.domain().run_state_update_flag.load(std::memory_order_relaxed)) return write_value(*area, 0, info);
    // Readers on other CPUs try again while the mark is set.
    u64 const marked = info.state_entry_time | xen::runstate_update;
    write_value(*area, offsetof(xen::RunstateInfo, state_entry_time), marked);
    std::atomic_thread_fence(std::memory_order_release);
    info.state_entry_time = marked;
    write_value(*area, 0, info);
    std::atomic_thread_fence(std::memory_order_release);
    write_value(*area, offsetof(xen::RunstateInfo, state_entry_time), marked & ~xen::runstate_update);
}

Expected<RunState::Area> pin_area(Vcpu& caller, Gva where, u64 bytes)
{
    auto const pin = [&](Gva address) -> Expected<PinnedPage> {
        auto const physical = arch::translate(GuestLook{caller}, address, {.write = true});
        if (!physical) return failure(physical.error());
        auto frame = caller.domain().physmap.reference(frame_of(*physical), true);
        if (!frame) return failure(frame.error());
        return PinnedPage{std::move(*frame)};
    };
    RunState::Area area;
    area.offset = static_cast<u32>(offset_in_page(where));
    auto first = pin(where);
    if (!first) return failure(first.error());
    area.first.emplace(std::move(*first));
    if (area.offset + bytes > page_size) {
        auto second = pin(where + bytes - 1);
        if (!second) return failure(second.error());
        area.second.emplace(std::move(*second));
    }
    return area;
}

}
