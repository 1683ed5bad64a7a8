// SPDX-License-Identifier: MIT
/// The page every domain shares with the hypervisor: event bits and the clocks.
/// (xen/include/public/xen.h)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// How many vCPUs find their VcpuInfo in SharedInfo; the others must register one.
inline constexpr u32 legacy_max_vcpus = 32;

/// How to turn the TSC into system time; `version` is odd while it is being written.
struct VcpuTimeInfo {
    u32 version;
    u32 pad0;
    u64 tsc_timestamp;
    u64 system_time;
    u32 tsc_to_system_multiplier;
    s8 tsc_shift;
    u8 flags; // time_info_flag
    std::array<u8, 2> pad1;
};
static_assert(sizeof(VcpuTimeInfo) == 32 && has_no_hidden_bytes<VcpuTimeInfo>);
static_assert(offsetof(VcpuTimeInfo, tsc_timestamp) == 8 && offsetof(VcpuTimeInfo, system_time) == 16 &&
              offsetof(VcpuTimeInfo, tsc_to_system_multiplier) == 24 && offsetof(VcpuTimeInfo, tsc_shift) == 28 &&
              offsetof(VcpuTimeInfo, flags) == 29);

/// VcpuTimeInfo::flags. (XEN_PVCLOCK_*)
namespace time_info_flag {
inline constexpr u8 tsc_stable = 1U << 0;
inline constexpr u8 guest_stopped = 1U << 1;
}

/// A vCPU's upcall flag, its selector of event words, and its clock.
struct VcpuInfo {
    u8 event_upcall_pending;
    u8 event_upcall_mask;
    std::array<u8, 6> pad0;
    u64 event_pending_selector;
    u64 cr2;
    u64 pad1;
    VcpuTimeInfo time;
};
static_assert(sizeof(VcpuInfo) == 64 && has_no_hidden_bytes<VcpuInfo>);
static_assert(offsetof(VcpuInfo, event_upcall_mask) == 1 && offsetof(VcpuInfo, event_pending_selector) == 8 &&
              offsetof(VcpuInfo, cr2) == 16 && offsetof(VcpuInfo, time) == 32);

/// The two levels of event bits, and the wall clock at system time zero.
struct SharedInfo {
    std::array<VcpuInfo, legacy_max_vcpus> vcpu_info;
    std::array<u64, 64> event_pending;
    std::array<u64, 64> event_mask;
    u32 wall_clock_version; // odd while it is being written
    u32 wall_clock_seconds;
    u32 wall_clock_nanoseconds;
    u32 wall_clock_seconds_high;
    u64 max_pfn;
    u64 pfn_to_mfn_frame_list_list;
    u64 nmi_reason;
    u64 p2m_cr3;
    u64 p2m_vaddr;
    u64 p2m_generation;
};
static_assert(sizeof(SharedInfo) == 3136 && has_no_hidden_bytes<SharedInfo>);
static_assert(offsetof(SharedInfo, event_pending) == 2048 && offsetof(SharedInfo, event_mask) == 2560 &&
              offsetof(SharedInfo, wall_clock_version) == 3072 && offsetof(SharedInfo, wall_clock_seconds) == 3076 &&
              offsetof(SharedInfo, wall_clock_nanoseconds) == 3080 &&
              offsetof(SharedInfo, wall_clock_seconds_high) == 3084 && offsetof(SharedInfo, max_pfn) == 3088 &&
              offsetof(SharedInfo, pfn_to_mfn_frame_list_list) == 3096 && offsetof(SharedInfo, nmi_reason) == 3104 &&
              offsetof(SharedInfo, p2m_cr3) == 3112 && offsetof(SharedInfo, p2m_vaddr) == 3120 &&
              offsetof(SharedInfo, p2m_generation) == 3128);

}
