// SPDX-License-Identifier: MIT
/// What the scheduler keeps in each vCPU. Owned by kernel/sched.
#pragma once

#include <array>
#include <atomic>
#include <optional>

#include "kernel/arch/cpu.hpp"
#include "kernel/domain/guest_page.hpp"
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
    std::atomic<s32> on_cpu{-1};  ///< the CPU whose run loop has it, in guest or in a handler; -1: none
    std::atomic<u32> home_cpu{0}; ///< the CPU whose queue it belongs to
    CpuSet hard_affinity;         ///< may run only here
    CpuSet soft_affinity;         ///< prefers to run here
    u64 virtual_time = 0;         ///< kernel/sched/policy.hpp
    u64 started = 0;              ///< ns, when it got the CPU or was last charged
    u64 load = 0;                 ///< what it adds to its home CPU's load: its weight while Ready or OnCpu
};

/// Time spent in each state, as the guest and the toolstack see it. (xen/include/public/vcpu.h, vcpu_runstate_info.)
struct RunState {
    enum class Kind : u32 { Running = 0, Runnable = 1, Blocked = 2, Offline = 3 };
    Kind state = Kind::Offline;
    u64 entered = 0;           ///< ns
    std::array<u64, 4> time{}; ///< ns, by Kind
    /// The guest's copy: one page, or two when the record crosses a page end. Found by linear address at registration.
    struct Area {
        std::optional<PinnedPage> first, second;
        u32 offset = 0;
    };
    std::optional<Area> area;      ///< VCPUOP_register_runstate_memory_area
    std::optional<Area> time_area; ///< VCPUOP_register_vcpu_time_memory_area
};

}
