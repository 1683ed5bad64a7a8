// SPDX-License-Identifier: MIT
/// What set_param and get_param of hvm_op name. (xen/include/public/hvm/params.h)
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes::xen {

/// (HVM_PARAM_*)
enum class HvmParamIndex : u32 {
    CallbackIrq = 0,
    StorePfn = 1,
    StoreEventChannel = 2,
    PaeEnabled = 4,
    IoreqPfn = 5,
    BufferedIoreqPfn = 6,
    Viridian = 9,
    TimerMode = 10,
    HpetEnabled = 11,
    IdentityPageTable = 12,
    DeviceModelDomain = 13,
    AcpiSState = 14,
    Vm86Tss = 15,
    VptAlign = 16,
    ConsolePfn = 17,
    ConsoleEventChannel = 18,
    AcpiIoportsLocation = 19,
    MemoryEventCr0 = 20,
    MemoryEventCr3 = 21,
    MemoryEventCr4 = 22,
    MemoryEventInt3 = 23,
    NestedHvm = 24,
    MemoryEventSingleStep = 25,
    BufferedIoreqEventChannel = 26,
    PagingRingPfn = 27,
    MonitorRingPfn = 28,
    SharingRingPfn = 29,
    MemoryEventMsr = 30,
    TripleFaultReason = 31,
    IoreqServerPfn = 32,
    NrIoreqServerPages = 33,
    VmGenerationIdAddress = 34,
    Altp2m = 35,
    X87FipWidth = 36,
    Vm86TssSized = 37,
    McaCap = 38,
};

/// One more than the highest parameter.
inline constexpr u32 nr_hvm_params = 39;

/// CallbackIrq holds its kind in the top byte (HvmCallbackType), and the vector or line below.
inline constexpr u64 hvm_callback_type_mask = 0xFF00'0000'0000'0000;

inline constexpr u32 hvm_callback_type_shift = 56;

/// (HVM_PARAM_CALLBACK_TYPE_*)
enum class HvmCallbackType : u8 {
    Gsi = 0,
    PciIntx = 1,
    Vector = 2,
};

/// Values of TimerMode. (HVMPTM_*)
enum class HvmTimerMode : u64 {
    DelayForMissedTicks = 0,
    NoDelayForMissedTicks = 1,
    NoMissedTicksPending = 2,
    OneMissedTickPending = 3,
};

}
