// SPDX-License-Identifier: MIT
/// hvm_op: parameters and per-vCPU settings of a guest that runs in hardware.
/// (xen/include/public/hvm/hvm_op.h)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// (HVMOP_*) Numbers 2-4 and 6-8 moved to dm_op long ago.
enum class HvmCommand : u32 {
    SetParam = 0,
    GetParam = 1,
    FlushTlbs = 5,
    PagetableDying = 9,
    GetTime = 10,
    Xentrace = 11,
    GetMemType = 15,
    SetEventUpcallVector = 23,
    GuestRequestVmEvent = 24,
    Altp2m = 25,
};

/// In set_param: value in; in get_param: value out.
struct HvmParam {
    DomainId domain;
    u16 pad;
    u32 index; // HvmParamIndex
    u64 value;
};
static_assert(sizeof(HvmParam) == 16 && has_no_hidden_bytes<HvmParam>);
static_assert(offsetof(HvmParam, index) == 4 && offsetof(HvmParam, value) == 8);

struct HvmPagetableDying {
    DomainId domain;
    std::array<u16, 3> pad;
    u64 gpa;
};
static_assert(sizeof(HvmPagetableDying) == 16 && has_no_hidden_bytes<HvmPagetableDying>);
static_assert(offsetof(HvmPagetableDying, gpa) == 8);

/// Out: system time, in nanoseconds.
struct HvmGetTime {
    u64 now;
};
static_assert(sizeof(HvmGetTime) == 8 && has_no_hidden_bytes<HvmGetTime>);

/// Out: type.
struct HvmGetMemType {
    DomainId domain;
    u16 type; // HvmMemType
    std::array<u16, 2> pad;
    u64 gfn;
};
static_assert(sizeof(HvmGetMemType) == 16 && has_no_hidden_bytes<HvmGetMemType>);
static_assert(offsetof(HvmGetMemType, type) == 2 && offsetof(HvmGetMemType, gfn) == 8);

/// (HVMMEM_*)
enum class HvmMemType : u16 {
    RamReadWrite = 0,
    RamReadOnly = 1,
    MmioDeviceModel = 2,
    IoreqServer = 4,
};

/// Which vector tells a vCPU of its events.
struct HvmEventUpcallVector {
    u32 vcpu;
    u8 vector;
    std::array<u8, 3> pad;
};
static_assert(sizeof(HvmEventUpcallVector) == 8 && has_no_hidden_bytes<HvmEventUpcallVector>);
static_assert(offsetof(HvmEventUpcallVector, vector) == 4);

}
