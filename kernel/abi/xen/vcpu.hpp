// SPDX-License-Identifier: MIT
/// vcpu_op: bringing vCPUs up, their timers, and the areas they share with the hypervisor.
/// (xen/include/public/vcpu.h)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/abi/xen/shared_info.hpp"
#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// (VCPUOP_*)
enum class VcpuCommand : u32 {
    Initialise = 0,
    Up = 1,
    Down = 2,
    IsUp = 3,
    GetRunstateInfo = 4,
    RegisterRunstateMemoryArea = 5,
    SetPeriodicTimer = 6,
    StopPeriodicTimer = 7,
    SetSingleshotTimer = 8,
    StopSingleshotTimer = 9,
    RegisterVcpuInfo = 10,
    SendNmi = 11,
    GetPhysid = 12,
    RegisterVcpuTimeMemoryArea = 13,
};

/// What a vCPU is doing. (RUNSTATE_*)
enum class Runstate : u32 {
    Running = 0,
    Runnable = 1,
    Blocked = 2,
    Offline = 3,
};

/// In RunstateInfo::state_entry_time while the area is being written, for guests that ask for it.
inline constexpr u64 runstate_update = 0x8000'0000'0000'0000;

/// How long a vCPU has been in each state, in nanoseconds.
struct RunstateInfo {
    Runstate state;
    u32 pad;
    u64 state_entry_time;
    std::array<u64, 4> time; // by Runstate
};
static_assert(sizeof(RunstateInfo) == 48 && has_no_hidden_bytes<RunstateInfo>);
static_assert(offsetof(RunstateInfo, state_entry_time) == 8 && offsetof(RunstateInfo, time) == 16);

/// A linear address of the guest's.
struct VcpuRegisterRunstateMemoryArea {
    GuestHandle<RunstateInfo> area;
};
static_assert(sizeof(VcpuRegisterRunstateMemoryArea) == 8 && has_no_hidden_bytes<VcpuRegisterRunstateMemoryArea>);

struct VcpuSetPeriodicTimer {
    u64 period_ns;
};
static_assert(sizeof(VcpuSetPeriodicTimer) == 8 && has_no_hidden_bytes<VcpuSetPeriodicTimer>);

/// VcpuSetSingleshotTimer::flags: refuse a time that has passed.
namespace singleshot_timer_flag {
inline constexpr u32 future = 1U << 0;
}

struct VcpuSetSingleshotTimer {
    u64 timeout_absolute_ns;
    u32 flags;
    u32 pad;
};
static_assert(sizeof(VcpuSetSingleshotTimer) == 16 && has_no_hidden_bytes<VcpuSetSingleshotTimer>);
static_assert(offsetof(VcpuSetSingleshotTimer, flags) == 8);

/// Where in which frame the vCPU's VcpuInfo shall live from now on.
struct VcpuRegisterVcpuInfo {
    u64 gfn;
    u32 offset;
    u32 reserved;
};
static_assert(sizeof(VcpuRegisterVcpuInfo) == 16 && has_no_hidden_bytes<VcpuRegisterVcpuInfo>);
static_assert(offsetof(VcpuRegisterVcpuInfo, offset) == 8 && offsetof(VcpuRegisterVcpuInfo, reserved) == 12);

/// The APIC ID in the low half, the ACPI ID in the high half.
struct VcpuGetPhysid {
    u64 physical_id;
};
static_assert(sizeof(VcpuGetPhysid) == 8 && has_no_hidden_bytes<VcpuGetPhysid>);

/// A linear address of the guest's.
struct VcpuRegisterTimeMemoryArea {
    GuestHandle<VcpuTimeInfo> area;
};
static_assert(sizeof(VcpuRegisterTimeMemoryArea) == 8 && has_no_hidden_bytes<VcpuRegisterTimeMemoryArea>);

}
