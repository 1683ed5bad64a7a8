// SPDX-License-Identifier: MIT
/// Keeping the books of a vCPU's states, and showing them to its guest.
#include "kernel/sched/run_state.hpp"

#include <algorithm>

#include "kernel/abi/compat/shared_info.hpp"
#include "kernel/domain/domain.hpp"

namespace hospes {

void RunState::change(Kind to, u64 now)
{
    u32 const version = version_.load(std::memory_order_relaxed);
    version_.store(version + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    u64 const since = entered_.load(std::memory_order_relaxed);
    auto& spent = time_[static_cast<u32>(state_.load(std::memory_order_relaxed))];
    spent.store(spent.load(std::memory_order_relaxed) + (now > since ? now - since : 0), std::memory_order_relaxed);
    state_.store(to, std::memory_order_relaxed);
    entered_.store(now, std::memory_order_relaxed);
    version_.store(version + 2, std::memory_order_release);
}

/// Another CPU may change it meanwhile: then once more. That CPU has interrupts off, so it is soon done.
RunState::Times RunState::read() const
{
    for (;; arch::spin_hint()) {
        u32 const version = version_.load(std::memory_order_acquire);
        Times times{.state = state(), .entered = entered(), .time = {}};
        for (size_t i = 0; i < time_.size(); ++i) times.time[i] = time_[i].load(std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_acquire);
        if (version % 2 == 0 && version_.load(std::memory_order_relaxed) == version) return times;
    }
}

RunState::Times RunState::read(u64 now) const
{
    Times times = read();
    if (now > times.entered) times.time[static_cast<u32>(times.state)] += now - times.entered;
    return times;
}

namespace run_state {

xen::RunstateInfo describe(RunState::Times const& times)
{
    return {.state = static_cast<xen::Runstate>(times.state),
            .pad = 0,
            .state_entry_time = times.entered,
            .time = times.time};
}

namespace {

template <typename T>
void write(SharedAreas const& areas, u64 at, T const& value)
{
    areas.write_run_state(at, {reinterpret_cast<u8 const*>(&value), sizeof value});
}

/// A record of either layout. In the half of the entry time that has the mark, all of it is written at once.
template <typename Record>
void publish_record(SharedAreas const& areas, Record info, bool marks_updates)
{
    if (!marks_updates) return write(areas, 0, info);
    // Readers on other CPUs try again while the mark is set.
    constexpr u64 marked_half = offsetof(Record, state_entry_time) + sizeof(u32);
    info.state_entry_time |= xen::runstate_update;
    write(areas, marked_half, static_cast<u32>(info.state_entry_time >> 32));
    std::atomic_thread_fence(std::memory_order_release);
    write(areas, 0, info);
    std::atomic_thread_fence(std::memory_order_release);
    write(areas, marked_half, static_cast<u32>((info.state_entry_time & ~xen::runstate_update) >> 32));
}

}

void publish(Vcpu const& vcpu, SharedAreas const& areas)
{
    if (!areas.has_run_state()) return;
    Domain const& domain = vcpu.domain();
    bool const marks_updates = domain.clock.marks_run_states.load(std::memory_order_relaxed);
    xen::RunstateInfo const info = describe(vcpu.run_state.read());
    if (domain.has_narrow_shared_info())
        publish_record(areas, compat::RunstateInfo{info.state, info.state_entry_time, info.time}, marks_updates);
    else
        publish_record(areas, info, marks_updates);
}

void publish(Vcpu& vcpu)
{
    auto const areas = vcpu.areas.lock();
    publish(vcpu, *areas);
}

}

}
