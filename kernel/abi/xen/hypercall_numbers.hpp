// SPDX-License-Identifier: MIT
/// The hypercalls and their numbers, the virtual interrupts, and the modes of vm_assist.
/// (xen/include/public/xen.h)
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes::xen {

/// What a guest puts in RAX before VMCALL or VMMCALL. (__HYPERVISOR_*)
enum class Hypercall : u32 {
    SetTrapTable = 0,
    MmuUpdate = 1,
    SetGdt = 2,
    StackSwitch = 3,
    SetCallbacks = 4,
    FpuTaskSwitch = 5,
    SchedOpCompat = 6,
    PlatformOp = 7,
    SetDebugRegister = 8,
    GetDebugRegister = 9,
    UpdateDescriptor = 10,
    MemoryOp = 12,
    Multicall = 13,
    UpdateVaMapping = 14,
    SetTimerOp = 15,
    EventChannelOpCompat = 16,
    XenVersion = 17,
    ConsoleIo = 18,
    PhysdevOpCompat = 19,
    GrantTableOp = 20,
    VmAssist = 21,
    UpdateVaMappingOtherDomain = 22,
    Iret = 23,
    VcpuOp = 24,
    SetSegmentBase = 25,
    MmuExtendedOp = 26,
    XsmOp = 27,
    NmiOp = 28,
    SchedOp = 29,
    CallbackOp = 30,
    XenoprofOp = 31,
    EventChannelOp = 32,
    PhysdevOp = 33,
    HvmOp = 34,
    Sysctl = 35,
    Domctl = 36,
    KexecOp = 37,
    TmemOp = 38,
    ArgoOp = 39,
    XenpmuOp = 40,
    DmOp = 41,
    HypfsOp = 42,
    Mca = 48,                  // arch_0
    PagingDomctlContinue = 49, // arch_1; Xen's own continuation of shadow_op
};

/// What bind_virq binds a port to. (VIRQ_*)
enum class VirtualInterrupt : u32 {
    Timer = 0,           // one for each vCPU
    Debug = 1,           // one for each vCPU
    Console = 2,         // bytes to read with console_io
    DomainException = 3, // a domain shut down, or is gone
    TraceBuffer = 4,
    Debugger = 6,
    Xenoprof = 7,    // one for each vCPU
    ConsoleRing = 8, // new bytes in the hypervisor's own log
    PcpuState = 9,
    MemoryEvent = 10,
    Argo = 11,
    OutOfMemory = 12,
    Xenpmu = 13,       // one for each vCPU
    MachineCheck = 16, // arch_0
};

/// How many virtual interrupts there can be.
inline constexpr u32 nr_virtual_interrupts = 24;

/// The first argument of vm_assist. (VMASST_CMD_*)
enum class VmAssistCommand : u32 {
    Enable = 0,
    Disable = 1,
};

/// The second argument of vm_assist; the others concern PV guests. (VMASST_TYPE_*)
enum class VmAssistType : u32 {
    RunstateUpdateFlag = 5, // mark a runstate area while it is being written
};

}
