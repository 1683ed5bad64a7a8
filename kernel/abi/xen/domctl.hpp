// SPDX-License-Identifier: MIT
/// domctl: making, changing, looking at and ending domains. For dom0's toolstack only.
/// (xen/include/public/domctl.h)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/abi/xen/domctl_device.hpp"
#include "kernel/abi/xen/domctl_domain.hpp"
#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// Of the newest release that is answered: structures here have its form. Others have theirs (versions.hpp).
inline constexpr u32 domctl_interface_version = 0x18;

/// (XEN_DOMCTL_*)
enum class DomctlCommand : u32 {
    CreateDomain = 1,
    DestroyDomain = 2,
    PauseDomain = 3,
    UnpauseDomain = 4,
    GetDomainInfo = 5,
    SetVcpuAffinity = 9,
    ShadowOp = 10,
    MaxMem = 11,
    SetVcpuContext = 12,
    GetVcpuContext = 13,
    GetVcpuInfo = 14,
    MaxVcpus = 15,
    SchedulerOp = 16,
    SetDomainHandle = 17,
    SetDebugging = 18,
    IrqPermission = 19,
    IomemPermission = 20,
    IoportPermission = 21,
    HypercallInit = 22,
    SetTimeOffset = 24,
    GetVcpuAffinity = 25,
    ResumeDomain = 27,
    SendTrigger = 28,
    Subscribe = 29,
    GetHvmContext = 33,
    SetHvmContext = 34,
    SetAddressSize = 35,
    GetAddressSize = 36,
    AssignDevice = 37,
    BindPtIrq = 38,
    MemoryMapping = 39,
    IoportMapping = 40,
    SetExtVcpuContext = 42,
    GetExtVcpuContext = 43,
    TestAssignDevice = 45,
    SetTarget = 46,
    DeassignDevice = 47,
    UnbindPtIrq = 48,
    GetDeviceGroup = 50,
    DebugOp = 54,
    GetHvmContextPartial = 55,
    VmEventOp = 56,
    MemSharingOp = 57,
    GetTscInfo = 59,
    SetTscInfo = 60,
    GetPageFrameInfo3 = 61,
    SetVcpuExtState = 62,
    GetVcpuExtState = 63,
    SetAccessRequired = 64,
    AuditP2m = 65,
    SetVirqHandler = 66,
    SetBrokenPageP2m = 67,
    SetNodeAffinity = 68,
    GetNodeAffinity = 69,
    CacheFlush = 71,
    GetVcpuMsrs = 72,
    SetVcpuMsrs = 73,
    SetVnumaInfo = 74,
    PsrCmtOp = 75,
    MonitorOp = 77,
    PsrAlloc = 78,
    SoftReset = 79,
    VuartOp = 81,
    GetCpuPolicy = 82,
    SetCpuPolicy = 83,
    VmtraceOp = 84,
    GetPagingMempoolSize = 85,
    SetPagingMempoolSize = 86,
    GsiPermission = 88,  // since 4.20
    SetLlcColors = 89,   // since 4.20
    GetDomainState = 90, // since 4.21, stable
    GdbsxGuestMemIo = 1000,
    GdbsxPauseVcpu = 1001,
    GdbsxUnpauseVcpu = 1002,
    GdbsxDomStatus = 1003,
};

/// The call itself; its interface version is that of the caller's release (versions.hpp). `Domctl call{}` is zero in
/// every byte, because `raw` comes first and covers the union.
struct Domctl {
    u32 command; // DomctlCommand
    u32 interface_version;
    DomainId domain;
    std::array<u16, 3> pad;
    union Payload {
        std::array<u8, 128> raw;
        DomctlCreateDomain create_domain;
        DomctlGetDomainInfo get_domain_info;
        DomctlGetPageFrameInfo3 get_page_frame_info3;
        DomctlNodeAffinity node_affinity;
        DomctlVcpuAffinity vcpu_affinity;
        DomctlShadowOp shadow_op;
        DomctlMaxMem max_mem;
        DomctlVcpuContext vcpu_context;
        DomctlGetVcpuInfo get_vcpu_info;
        DomctlMaxVcpus max_vcpus;
        DomctlSchedulerOp scheduler_op;
        DomctlSetDomainHandle set_domain_handle;
        DomctlSetDebugging set_debugging;
        DomctlIrqPermission irq_permission;
        DomctlIomemPermission iomem_permission;
        DomctlIoportPermission ioport_permission;
        DomctlSetTimeOffset set_time_offset;
        DomctlTscInfo tsc_info;
        DomctlHvmContext hvm_context;
        DomctlHvmContextPartial hvm_context_partial;
        DomctlAddressSize address_size;
        DomctlSendTrigger send_trigger;
        DomctlGetDeviceGroup get_device_group;
        DomctlAssignDevice assign_device;
        DomctlBindPtIrq bind_pt_irq;
        DomctlMemoryMapping memory_mapping;
        DomctlIoportMapping ioport_mapping;
        DomctlSetTarget set_target;
        DomctlCpuPolicy cpu_policy;
        DomctlSetVirqHandler set_virq_handler;
        DomctlPagingMempool paging_mempool;
        DomctlGetDomainState get_domain_state;
    } u;
};
static_assert(sizeof(Domctl) == 144);
static_assert(offsetof(Domctl, interface_version) == 4 && offsetof(Domctl, domain) == 8 && offsetof(Domctl, u) == 16);

}
