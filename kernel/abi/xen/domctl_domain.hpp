// SPDX-License-Identifier: MIT
/// domctl's arguments: a domain's making, memory, vCPUs and state. (xen/include/public/domctl.h)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/abi/xen/cpu_policy.hpp"
#include "kernel/abi/xen/types.hpp"
#include "kernel/abi/xen/vcpu_context.hpp"

namespace hospes::xen {

/// DomctlCreateDomain::flags. (XEN_DOMCTL_CDF_*)
namespace create_flag {
inline constexpr u32 hvm = 1U << 0;
inline constexpr u32 hap = 1U << 1;
inline constexpr u32 s3_integrity = 1U << 2;
inline constexpr u32 oos_off = 1U << 3;
inline constexpr u32 xenstore_domain = 1U << 4;
inline constexpr u32 iommu = 1U << 5;
inline constexpr u32 nested_virtualisation = 1U << 6;
inline constexpr u32 vpmu = 1U << 7;
inline constexpr u32 trap_unmapped_accesses = 1U << 8; // since 4.21
}

/// DomctlCreateDomain::iommu_options. (XEN_DOMCTL_IOMMU_*)
namespace iommu_option {
inline constexpr u32 no_shared_page_table = 1U << 0;
}

/// DomctlCreateDomain::grant_options: the highest grant table version, 0 for no grants at all.
inline constexpr u32 grant_option_version_mask = 0xF;

/// ArchDomainConfig::emulation_flags. (xen/include/public/arch-x86/xen.h, XEN_X86_EMU_*)
namespace emulation_flag {
inline constexpr u32 local_apic = 1U << 0;
inline constexpr u32 hpet = 1U << 1;
inline constexpr u32 power_management = 1U << 2;
inline constexpr u32 rtc = 1U << 3;
inline constexpr u32 io_apic = 1U << 4;
inline constexpr u32 pic = 1U << 5;
inline constexpr u32 vga = 1U << 6;
inline constexpr u32 iommu = 1U << 7;
inline constexpr u32 pit = 1U << 8;
inline constexpr u32 use_pirq = 1U << 9;
inline constexpr u32 vpci = 1U << 10;
inline constexpr u32 all = 0x7FF;
}

/// ArchDomainConfig::misc_flags.
namespace misc_flag {
inline constexpr u32 msr_relaxed = 1U << 0;
}

/// What x86 adds to a domain's making. (xen/include/public/arch-x86/xen.h)
struct ArchDomainConfig {
    u32 emulation_flags;
    u32 misc_flags;
};
static_assert(sizeof(ArchDomainConfig) == 8 && has_no_hidden_bytes<ArchDomainConfig>);
static_assert(offsetof(ArchDomainConfig, misc_flags) == 4);

/// The number in Domctl::domain, or domid_invalid to have one chosen, becomes the domain's. The form since 4.19: the
/// one before has no `altp2m`, and what follows lies where that is (versions.hpp).
struct DomctlCreateDomain {
    u32 ssidref;
    DomainHandle handle;
    u32 flags; // create_flag
    u32 iommu_options;
    u32 max_vcpus;
    u32 max_event_port;
    s32 max_grant_frames;    // negative: the default
    s32 max_maptrack_frames; // negative: the default
    u32 grant_options;
    u32 altp2m; // options in the low half; since 4.21 the number of views in the high half
    u32 vmtrace_size;
    u32 cpupool_id;
    ArchDomainConfig arch;
};
static_assert(sizeof(DomctlCreateDomain) == 68 && has_no_hidden_bytes<DomctlCreateDomain>);
static_assert(offsetof(DomctlCreateDomain, handle) == 4 && offsetof(DomctlCreateDomain, flags) == 20 &&
              offsetof(DomctlCreateDomain, iommu_options) == 24 && offsetof(DomctlCreateDomain, max_vcpus) == 28 &&
              offsetof(DomctlCreateDomain, max_event_port) == 32 &&
              offsetof(DomctlCreateDomain, max_grant_frames) == 36 &&
              offsetof(DomctlCreateDomain, max_maptrack_frames) == 40 &&
              offsetof(DomctlCreateDomain, grant_options) == 44 && offsetof(DomctlCreateDomain, altp2m) == 48 &&
              offsetof(DomctlCreateDomain, vmtrace_size) == 52 && offsetof(DomctlCreateDomain, cpupool_id) == 56 &&
              offsetof(DomctlCreateDomain, arch) == 60);

/// DomctlGetDomainInfo::flags. (XEN_DOMINF_*)
namespace domain_info_flag {
inline constexpr u32 dying = 1U << 0;
inline constexpr u32 hvm_guest = 1U << 1;
inline constexpr u32 shutdown = 1U << 2;
inline constexpr u32 paused = 1U << 3;
inline constexpr u32 blocked = 1U << 4;
inline constexpr u32 running = 1U << 5;
inline constexpr u32 debugged = 1U << 6;
inline constexpr u32 xenstore_domain = 1U << 7;
inline constexpr u32 hap = 1U << 8;
}

/// Where in those flags the ShutdownReason is.
inline constexpr u32 domain_info_shutdown_mask = 255;
inline constexpr u32 domain_info_shutdown_shift = 16;

/// DomctlGetDomainInfo::max_vcpu_id of a domain without vCPUs.
inline constexpr u32 invalid_max_vcpu_id = 0xFFFF'FFFF;

/// Out: all of it.
struct DomctlGetDomainInfo {
    DomainId domain;
    u16 pad1;
    u32 flags; // domain_info_flag
    u64 total_pages;
    u64 max_pages;
    u64 outstanding_pages;
    u64 shared_pages;
    u64 paged_pages;
    u64 shared_info_frame;
    u64 cpu_time; // nanoseconds
    u32 nr_online_vcpus;
    u32 max_vcpu_id;
    u32 ssidref;
    DomainHandle handle;
    u32 cpupool;
    u8 guest_physical_address_bits;
    std::array<u8, 7> pad2;
    ArchDomainConfig arch_config;
};
static_assert(sizeof(DomctlGetDomainInfo) == 112 && has_no_hidden_bytes<DomctlGetDomainInfo>);
static_assert(offsetof(DomctlGetDomainInfo, flags) == 4 && offsetof(DomctlGetDomainInfo, total_pages) == 8 &&
              offsetof(DomctlGetDomainInfo, max_pages) == 16 &&
              offsetof(DomctlGetDomainInfo, outstanding_pages) == 24 &&
              offsetof(DomctlGetDomainInfo, shared_pages) == 32 && offsetof(DomctlGetDomainInfo, paged_pages) == 40 &&
              offsetof(DomctlGetDomainInfo, shared_info_frame) == 48 && offsetof(DomctlGetDomainInfo, cpu_time) == 56 &&
              offsetof(DomctlGetDomainInfo, nr_online_vcpus) == 64 &&
              offsetof(DomctlGetDomainInfo, max_vcpu_id) == 68 && offsetof(DomctlGetDomainInfo, ssidref) == 72 &&
              offsetof(DomctlGetDomainInfo, handle) == 76 && offsetof(DomctlGetDomainInfo, cpupool) == 92 &&
              offsetof(DomctlGetDomainInfo, guest_physical_address_bits) == 96 &&
              offsetof(DomctlGetDomainInfo, arch_config) == 104);

/// What get_page_frame_info3 says of a frame. (XEN_DOMCTL_PFINFO_*)
namespace page_frame_type {
inline constexpr u32 no_table = 0; // plain memory
inline constexpr u32 mask = 0xF000'0000;
inline constexpr u32 invalid = 0xF000'0000; // nothing there
inline constexpr u32 allocate_only = 0xE000'0000;
inline constexpr u32 broken = 0xD000'0000;
}

/// In: frame numbers; out, in their place: their types.
struct DomctlGetPageFrameInfo3 {
    u64 nr_frames;
    GuestHandle<u64> array;
};
static_assert(sizeof(DomctlGetPageFrameInfo3) == 16 && has_no_hidden_bytes<DomctlGetPageFrameInfo3>);
static_assert(offsetof(DomctlGetPageFrameInfo3, array) == 8);

/// DomctlShadowOp::operation. (XEN_DOMCTL_SHADOW_OP_*)
enum class ShadowCommand : u32 {
    Off = 0,
    EnableTest = 1,
    EnableLogDirty = 2,
    Clean = 11, // give the dirty bitmap and start a new one
    Peek = 12,  // only give it
    GetAllocation = 30,
    SetAllocation = 31,
    Enable = 32,
};

/// DomctlShadowOp::mode: of Enable, and, the last one, of Clean.
namespace shadow_mode_flag {
inline constexpr u32 enable_refcount = 1U << 1;
inline constexpr u32 enable_log_dirty = 1U << 2;
inline constexpr u32 enable_translate = 1U << 3;
inline constexpr u32 enable_external = 1U << 4;
inline constexpr u32 log_dirty_final = 1U << 0;
}

/// In and out: pages; out: megabytes, the bitmap and the counts.
struct DomctlShadowOp {
    u32 operation; // ShadowCommand
    u32 mode;
    u32 megabytes;
    u32 pad;
    GuestHandle<u8> dirty_bitmap;
    u64 pages;
    u32 fault_count;
    u32 dirty_count;
};
static_assert(sizeof(DomctlShadowOp) == 40 && has_no_hidden_bytes<DomctlShadowOp>);
static_assert(offsetof(DomctlShadowOp, mode) == 4 && offsetof(DomctlShadowOp, megabytes) == 8 &&
              offsetof(DomctlShadowOp, dirty_bitmap) == 16 && offsetof(DomctlShadowOp, pages) == 24 &&
              offsetof(DomctlShadowOp, fault_count) == 32 && offsetof(DomctlShadowOp, dirty_count) == 36);

struct DomctlMaxMem {
    u64 max_memory_kib;
};
static_assert(sizeof(DomctlMaxMem) == 8 && has_no_hidden_bytes<DomctlMaxMem>);

/// A VcpuGuestContext, in or out.
struct DomctlVcpuContext {
    u32 vcpu;
    u32 pad;
    GuestHandle<VcpuGuestContext> context;
};
static_assert(sizeof(DomctlVcpuContext) == 16 && has_no_hidden_bytes<DomctlVcpuContext>);
static_assert(offsetof(DomctlVcpuContext, context) == 8);

/// Out: all but vcpu.
struct DomctlGetVcpuInfo {
    u32 vcpu;
    u8 online;
    u8 blocked;
    u8 running;
    u8 pad0;
    u64 cpu_time; // nanoseconds
    u32 cpu;
    u32 pad1;
};
static_assert(sizeof(DomctlGetVcpuInfo) == 24 && has_no_hidden_bytes<DomctlGetVcpuInfo>);
static_assert(offsetof(DomctlGetVcpuInfo, online) == 4 && offsetof(DomctlGetVcpuInfo, blocked) == 5 &&
              offsetof(DomctlGetVcpuInfo, running) == 6 && offsetof(DomctlGetVcpuInfo, cpu_time) == 8 &&
              offsetof(DomctlGetVcpuInfo, cpu) == 16);

struct DomctlNodeAffinity {
    ControlBitmap nodes;
};
static_assert(sizeof(DomctlNodeAffinity) == 16 && has_no_hidden_bytes<DomctlNodeAffinity>);

/// DomctlVcpuAffinity::flags. (XEN_VCPUAFFINITY_*)
namespace vcpu_affinity_flag {
inline constexpr u32 hard = 1U << 0;
inline constexpr u32 soft = 1U << 1;
inline constexpr u32 force = 1U << 2;
}

/// When setting, the effective maps come back.
struct DomctlVcpuAffinity {
    u32 vcpu;
    u32 flags;
    ControlBitmap hard;
    ControlBitmap soft;
};
static_assert(sizeof(DomctlVcpuAffinity) == 40 && has_no_hidden_bytes<DomctlVcpuAffinity>);
static_assert(offsetof(DomctlVcpuAffinity, flags) == 4 && offsetof(DomctlVcpuAffinity, hard) == 8 &&
              offsetof(DomctlVcpuAffinity, soft) == 24);

struct DomctlMaxVcpus {
    u32 max_vcpus;
};
static_assert(sizeof(DomctlMaxVcpus) == 4 && has_no_hidden_bytes<DomctlMaxVcpus>);

/// The schedulers Xen knows. (XEN_SCHEDULER_*)
enum class SchedulerId : u32 {
    Credit = 5,
    Credit2 = 6,
    Arinc653 = 7,
    Rtds = 8,
    Null = 9,
};

/// DomctlSchedulerOp::command. (XEN_DOMCTL_SCHEDOP_*)
enum class DomctlSchedulerCommand : u32 {
    PutInfo = 0,
    GetInfo = 1,
    PutVcpuInfo = 2,
    GetVcpuInfo = 3,
};

/// The same two numbers for credit and credit2.
struct SchedCredit2Params {
    u16 weight;
    u16 cap;
};
static_assert(sizeof(SchedCredit2Params) == 4 && has_no_hidden_bytes<SchedCredit2Params>);
static_assert(offsetof(SchedCredit2Params, cap) == 2);

/// The parameters of a domain under one scheduler.
struct DomctlSchedulerOp {
    u32 scheduler_id;
    u32 command;
    union Parameters {
        std::array<u8, 16> raw;
        SchedCredit2Params credit;
        SchedCredit2Params credit2;
    } u;
};
static_assert(sizeof(DomctlSchedulerOp) == 24);
static_assert(offsetof(DomctlSchedulerOp, command) == 4 && offsetof(DomctlSchedulerOp, u) == 8);

struct DomctlSetDomainHandle {
    DomainHandle handle;
};
static_assert(sizeof(DomctlSetDomainHandle) == 16 && has_no_hidden_bytes<DomctlSetDomainHandle>);

struct DomctlSetDebugging {
    u8 enable;
};
static_assert(sizeof(DomctlSetDebugging) == 1 && has_no_hidden_bytes<DomctlSetDebugging>);

struct DomctlSetTimeOffset {
    s64 seconds;
};
static_assert(sizeof(DomctlSetTimeOffset) == 8 && has_no_hidden_bytes<DomctlSetTimeOffset>);

/// Getting with a null buffer only asks for the size.
struct DomctlHvmContext {
    u32 size;
    u32 pad;
    GuestHandle<u8> buffer;
};
static_assert(sizeof(DomctlHvmContext) == 16 && has_no_hidden_bytes<DomctlHvmContext>);
static_assert(offsetof(DomctlHvmContext, buffer) == 8);

/// One record, found by type code and instance.
struct DomctlHvmContextPartial {
    u32 type;
    u32 instance;
    u64 buffer_size;
    GuestHandle<u8> buffer;
};
static_assert(sizeof(DomctlHvmContextPartial) == 24 && has_no_hidden_bytes<DomctlHvmContextPartial>);
static_assert(offsetof(DomctlHvmContextPartial, instance) == 4 && offsetof(DomctlHvmContextPartial, buffer_size) == 8 &&
              offsetof(DomctlHvmContextPartial, buffer) == 16);

struct DomctlAddressSize {
    u32 bits;
};
static_assert(sizeof(DomctlAddressSize) == 4 && has_no_hidden_bytes<DomctlAddressSize>);

/// DomctlSendTrigger::trigger. (XEN_DOMCTL_SENDTRIGGER_*)
enum class Trigger : u32 {
    Nmi = 0,
    Reset = 1,
    Init = 2,
    Power = 3,
    Sleep = 4,
};

struct DomctlSendTrigger {
    u32 trigger;
    u32 vcpu;
};
static_assert(sizeof(DomctlSendTrigger) == 8 && has_no_hidden_bytes<DomctlSendTrigger>);
static_assert(offsetof(DomctlSendTrigger, vcpu) == 4);

struct DomctlSetTarget {
    DomainId target;
};
static_assert(sizeof(DomctlSetTarget) == 2 && has_no_hidden_bytes<DomctlSetTarget>);

/// DomctlGetDomainState::state. (XEN_DOMCTL_GETDOMSTATE_STATE_*)
namespace domain_state {
inline constexpr u16 exists = 1U << 0;
inline constexpr u16 shut_down = 1U << 1;
inline constexpr u16 dying = 1U << 2;
inline constexpr u16 dead = 1U << 3;
}

/// DomctlGetDomainState::capabilities. (XEN_DOMCTL_GETDOMSTATE_CAP_*)
namespace domain_capability {
inline constexpr u16 control = 1U << 0;
inline constexpr u16 hardware = 1U << 1;
inline constexpr u16 xenstore = 1U << 2;
}

/// Since 4.21, and stable. For domid_invalid, about one whose state has changed since it was last told; its number goes
/// to Domctl::domain. All zeroes if it is gone.
struct DomctlGetDomainState {
    u16 state;        // domain_state
    u16 capabilities; // domain_capability
    u32 pad;          // must be 0
    u64 unique_id;    // no two domains of one start of the machine share it
};
static_assert(sizeof(DomctlGetDomainState) == 16 && has_no_hidden_bytes<DomctlGetDomainState>);
static_assert(offsetof(DomctlGetDomainState, capabilities) == 2 && offsetof(DomctlGetDomainState, pad) == 4 &&
              offsetof(DomctlGetDomainState, unique_id) == 8);

struct DomctlSetVirqHandler {
    u32 virq;
};
static_assert(sizeof(DomctlSetVirqHandler) == 4 && has_no_hidden_bytes<DomctlSetVirqHandler>);

/// How a domain's TSC behaves, and how far its time has come.
struct DomctlTscInfo {
    u32 tsc_mode;
    u32 guest_tsc_khz;
    u32 incarnation;
    u32 pad;
    u64 elapsed_nanoseconds;
};
static_assert(sizeof(DomctlTscInfo) == 24 && has_no_hidden_bytes<DomctlTscInfo>);
static_assert(offsetof(DomctlTscInfo, guest_tsc_khz) == 4 && offsetof(DomctlTscInfo, incarnation) == 8 &&
              offsetof(DomctlTscInfo, elapsed_nanoseconds) == 16);

/// In and out: the counts; out: what setting stumbled over.
struct DomctlCpuPolicy {
    u32 nr_leaves;
    u32 nr_msrs;
    GuestHandle<CpuidLeaf> leaves;
    GuestHandle<MsrEntry> msrs;
    u32 error_leaf;
    u32 error_subleaf;
    u32 error_msr;
    u32 pad;
};
static_assert(sizeof(DomctlCpuPolicy) == 40 && has_no_hidden_bytes<DomctlCpuPolicy>);
static_assert(offsetof(DomctlCpuPolicy, nr_msrs) == 4 && offsetof(DomctlCpuPolicy, leaves) == 8 &&
              offsetof(DomctlCpuPolicy, msrs) == 16 && offsetof(DomctlCpuPolicy, error_leaf) == 24 &&
              offsetof(DomctlCpuPolicy, error_subleaf) == 28 && offsetof(DomctlCpuPolicy, error_msr) == 32);

/// In bytes.
struct DomctlPagingMempool {
    u64 size;
};
static_assert(sizeof(DomctlPagingMempool) == 8 && has_no_hidden_bytes<DomctlPagingMempool>);

}
