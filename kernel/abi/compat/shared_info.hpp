// SPDX-License-Identifier: MIT
/// What a domain shares with the hypervisor, as 32-bit code has it: 32 words of 32 event bits, and nothing aligned to 8
/// bytes. (xen/include/public/xen.h, vcpu.h, arch-x86/xen-x86_32.h)
#pragma once

#include "kernel/abi/xen/shared_info.hpp"
#include "kernel/abi/xen/vcpu.hpp"

namespace hospes::compat {

/// How many ports there are bits for.
inline constexpr u32 event_channels = 32 * 32;

struct VcpuInfo {
    u8 event_upcall_pending;
    u8 event_upcall_mask;
    std::array<u8, 2> pad0;
    u32 event_pending_selector;
    u32 cr2;
    std::array<u32, 5> pad1;
    xen::VcpuTimeInfo time;
};
static_assert(sizeof(VcpuInfo) == sizeof(xen::VcpuInfo) && xen::has_no_hidden_bytes<VcpuInfo>);
static_assert(offsetof(VcpuInfo, event_upcall_pending) == offsetof(xen::VcpuInfo, event_upcall_pending) &&
              offsetof(VcpuInfo, event_pending_selector) == 4 &&
              offsetof(VcpuInfo, time) == offsetof(xen::VcpuInfo, time));

struct SharedInfo {
    std::array<VcpuInfo, xen::legacy_max_vcpus> vcpu_info;
    std::array<u32, 32> event_pending;
    std::array<u32, 32> event_mask;
    u32 wall_clock_version;
    u32 wall_clock_seconds;
    u32 wall_clock_nanoseconds;
    u32 max_pfn;
    u32 pfn_to_mfn_frame_list_list;
    u32 nmi_reason;
    u32 p2m_cr3;
    u32 p2m_vaddr;
    u32 p2m_generation;
    u32 wall_clock_seconds_high;
};
static_assert(sizeof(SharedInfo) == 2344 && xen::has_no_hidden_bytes<SharedInfo>);
static_assert(offsetof(SharedInfo, event_pending) == offsetof(xen::SharedInfo, event_pending) &&
              offsetof(SharedInfo, event_mask) == 2176 && offsetof(SharedInfo, wall_clock_version) == 2304 &&
              offsetof(SharedInfo, wall_clock_seconds_high) == 2340);

/// In a vCPU's run-state area.
struct [[gnu::packed, gnu::aligned(4)]] RunstateInfo {
    xen::Runstate state;
    u64 state_entry_time;
    std::array<u64, 4> time;
};
static_assert(sizeof(RunstateInfo) == 44 && offsetof(RunstateInfo, state_entry_time) == 4);

}
