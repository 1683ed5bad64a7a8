// SPDX-License-Identifier: MIT
/// What the scheduler keeps in each vCPU. Owned by kernel/sched.
#pragma once

#include <array>
#include <atomic>

#include "kernel/arch/cpu.hpp"
#include "kernel/lib/bitmap.hpp"
#include "kernel/lib/list.hpp"

namespace hospes {

class Vcpu;
using CpuSet = Bitmap<arch::max_cpus>;

/// Where a vCPU is between waking and running. Changes under the lock of its home CPU's queue.
enum class Place : u8 { Nowhere, Ready, Parked, OnCpu };

struct SchedulingState {
    ListHook<SchedulingState> queue; ///< ready or parked, under the queue's lock
    Vcpu* vcpu = nullptr;            ///< the vCPU this is part of
    Place place = Place::Nowhere;
    std::atomic<s32> on_cpu{-1};       ///< the CPU whose run loop has it, in guest or in a handler; -1: none
    std::atomic<u32> home_cpu{0};      ///< the CPU whose queue it belongs to
    std::atomic<CpuSet> hard_affinity; ///< may run only here
    std::atomic<CpuSet> soft_affinity; ///< prefers to run here
    u64 virtual_time = 0;              ///< kernel/sched/policy.hpp
    u64 started = 0;                   ///< ns, when it got the CPU or was last charged
    std::atomic<u64> load{0};          ///< what it adds to its home CPU's load: its weight while Ready or OnCpu
};

/// Time spent in each state, as the guest and the toolstack see it. (xen/include/public/vcpu.h, vcpu_runstate_info.)
/// Changed under the lock of the vCPU's home queue; read by any CPU, without a lock.
class RunState {
public:
    enum class Kind : u32 { Running = 0, Runnable = 1, Blocked = 2, Offline = 3 };
    struct Times {
        Kind state;
        u64 entered;             ///< ns
        std::array<u64, 4> time; ///< ns, by Kind, up to `entered`
    };

    /// Books the time since the last change to the old state.
    void change(Kind to, u64 now);
    /// As at the last change; all of one moment.
    [[nodiscard]] Times read() const;
    /// With what has passed since.
    [[nodiscard]] Times read(u64 now) const;
    [[nodiscard]] Kind state() const { return state_.load(std::memory_order_relaxed); }
    [[nodiscard]] u64 entered() const { return entered_.load(std::memory_order_relaxed); }
    /// The vCPU has just been made, and is Offline.
    void begin(u64 now) { entered_.store(now, std::memory_order_relaxed); }

private:
    std::atomic<u32> version_{0}; ///< odd while it changes
    std::atomic<Kind> state_{Kind::Offline};
    std::atomic<u64> entered_{0};
    std::array<std::atomic<u64>, 4> time_{};
};

}
