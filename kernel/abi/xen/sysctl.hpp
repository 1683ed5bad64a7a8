// SPDX-License-Identifier: MIT
/// sysctl: looking at and steering the machine as a whole. For dom0's toolstack only.
/// (xen/include/public/sysctl.h)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/abi/xen/cpu_policy.hpp"
#include "kernel/abi/xen/domctl.hpp"
#include "kernel/abi/xen/physdev.hpp"
#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// Of the newest release that is answered (versions.hpp).
inline constexpr u32 sysctl_interface_version = 0x16;

/// (XEN_SYSCTL_*)
enum class SysctlCommand : u32 {
    ReadConsole = 1,
    TraceBufferOp = 2,
    PhysInfo = 3,
    SchedId = 4,
    PerfcOp = 5,
    GetDomainInfoList = 6,
    DebugKeys = 7,
    GetCpuInfo = 8,
    AvailHeap = 9,
    GetPmStat = 10,
    CpuHotplug = 11,
    PmOp = 12,
    PageOfflineOp = 14,
    LockprofOp = 15,
    CpuTopologyInfo = 16,
    NumaInfo = 17,
    CpupoolOp = 18,
    SchedulerOp = 19,
    CoverageOp = 20,
    PsrCmtOp = 21,
    PciTopologyInfo = 22,
    PsrAlloc = 23,
    GetCpuLevellingCaps = 25,
    GetCpuFeatureset = 26,
    LivepatchOp = 27,
    GetCpuPolicy = 29,
};

/// In and out: index and count.
struct SysctlReadConsole {
    u8 clear;
    u8 incremental;
    u8 pad0;
    u8 pad1;
    u32 index;
    GuestHandle<char> buffer;
    u32 count;
    u32 pad2;
};
static_assert(sizeof(SysctlReadConsole) == 24 && has_no_hidden_bytes<SysctlReadConsole>);
static_assert(offsetof(SysctlReadConsole, incremental) == 1 && offsetof(SysctlReadConsole, index) == 4 &&
              offsetof(SysctlReadConsole, buffer) == 8 && offsetof(SysctlReadConsole, count) == 16);

/// SysctlPhysInfo::capabilities. (XEN_SYSCTL_PHYSCAP_*)
namespace physical_capability {
inline constexpr u32 hvm = 1U << 0;
inline constexpr u32 pv = 1U << 1;
inline constexpr u32 direct_io = 1U << 2;
inline constexpr u32 hap = 1U << 3;
inline constexpr u32 shadow = 1U << 4;
inline constexpr u32 iommu_hap_page_table_share = 1U << 5;
inline constexpr u32 vmtrace = 1U << 6;
inline constexpr u32 vpmu = 1U << 7;
inline constexpr u32 grant_table_v1 = 1U << 8;
inline constexpr u32 grant_table_v2 = 1U << 9;
}

/// Out: all of it.
struct SysctlPhysInfo {
    u32 threads_per_core;
    u32 cores_per_socket;
    u32 nr_cpus;
    u32 max_cpu_id;
    u32 nr_nodes;
    u32 max_node_id;
    u32 cpu_khz;
    u32 capabilities; // physical_capability
    u32 arch_capabilities;
    u32 pad;
    u64 total_pages;
    u64 free_pages;
    u64 scrub_pages;
    u64 outstanding_pages;
    u64 max_mfn;
    std::array<u32, 8> hardware_capabilities; // leading words of the CPUID feature set
};
static_assert(sizeof(SysctlPhysInfo) == 112 && has_no_hidden_bytes<SysctlPhysInfo>);
static_assert(offsetof(SysctlPhysInfo, cores_per_socket) == 4 && offsetof(SysctlPhysInfo, nr_cpus) == 8 &&
              offsetof(SysctlPhysInfo, max_cpu_id) == 12 && offsetof(SysctlPhysInfo, nr_nodes) == 16 &&
              offsetof(SysctlPhysInfo, max_node_id) == 20 && offsetof(SysctlPhysInfo, cpu_khz) == 24 &&
              offsetof(SysctlPhysInfo, capabilities) == 28 && offsetof(SysctlPhysInfo, arch_capabilities) == 32 &&
              offsetof(SysctlPhysInfo, total_pages) == 40 && offsetof(SysctlPhysInfo, free_pages) == 48 &&
              offsetof(SysctlPhysInfo, scrub_pages) == 56 && offsetof(SysctlPhysInfo, outstanding_pages) == 64 &&
              offsetof(SysctlPhysInfo, max_mfn) == 72 && offsetof(SysctlPhysInfo, hardware_capabilities) == 80);

/// Out: a SchedulerId.
struct SysctlSchedId {
    u32 scheduler_id;
};
static_assert(sizeof(SysctlSchedId) == 4 && has_no_hidden_bytes<SysctlSchedId>);

/// (XEN_SYSCTL_PERFCOP_*)
enum class PerfcCommand : u32 {
    Reset = 1,
    Query = 2,
};

struct PerfcDescription {
    std::array<char, 80> name; // ends with a zero
    u32 nr_values;
};
static_assert(sizeof(PerfcDescription) == 84 && has_no_hidden_bytes<PerfcDescription>);
static_assert(offsetof(PerfcDescription, nr_values) == 80);

/// Out: nr_counters and nr_values; the arrays may be null.
struct SysctlPerfcOp {
    u32 command; // PerfcCommand
    u32 nr_counters;
    u32 nr_values;
    u32 pad;
    GuestHandle<PerfcDescription> descriptions;
    GuestHandle<u32> values; // of the first counter, then of the second, ...
};
static_assert(sizeof(SysctlPerfcOp) == 32 && has_no_hidden_bytes<SysctlPerfcOp>);
static_assert(offsetof(SysctlPerfcOp, nr_counters) == 4 && offsetof(SysctlPerfcOp, nr_values) == 8 &&
              offsetof(SysctlPerfcOp, descriptions) == 16 && offsetof(SysctlPerfcOp, values) == 24);

/// Out: nr_domains.
struct SysctlGetDomainInfoList {
    DomainId first_domain;
    u16 pad0;
    u32 max_domains;
    GuestHandle<DomctlGetDomainInfo> buffer;
    u32 nr_domains;
    u32 pad1;
};
static_assert(sizeof(SysctlGetDomainInfoList) == 24 && has_no_hidden_bytes<SysctlGetDomainInfoList>);
static_assert(offsetof(SysctlGetDomainInfoList, max_domains) == 4 && offsetof(SysctlGetDomainInfoList, buffer) == 8 &&
              offsetof(SysctlGetDomainInfoList, nr_domains) == 16);

struct SysctlDebugKeys {
    GuestHandle<char> keys;
    u32 nr_keys;
    u32 pad;
};
static_assert(sizeof(SysctlDebugKeys) == 16 && has_no_hidden_bytes<SysctlDebugKeys>);
static_assert(offsetof(SysctlDebugKeys, nr_keys) == 8);

/// In nanoseconds.
struct CpuInfo {
    u64 idle_time;
};
static_assert(sizeof(CpuInfo) == 8 && has_no_hidden_bytes<CpuInfo>);

/// Out: nr_cpus.
struct SysctlGetCpuInfo {
    u32 max_cpus;
    u32 pad0;
    GuestHandle<CpuInfo> info;
    u32 nr_cpus;
    u32 pad1;
};
static_assert(sizeof(SysctlGetCpuInfo) == 24 && has_no_hidden_bytes<SysctlGetCpuInfo>);
static_assert(offsetof(SysctlGetCpuInfo, info) == 8 && offsetof(SysctlGetCpuInfo, nr_cpus) == 16);

/// Out: available_bytes.
struct SysctlAvailHeap {
    u32 min_bit_width;
    u32 max_bit_width;
    s32 node; // -1: all
    u32 pad;
    u64 available_bytes;
};
static_assert(sizeof(SysctlAvailHeap) == 24 && has_no_hidden_bytes<SysctlAvailHeap>);
static_assert(offsetof(SysctlAvailHeap, max_bit_width) == 4 && offsetof(SysctlAvailHeap, node) == 8 &&
              offsetof(SysctlAvailHeap, available_bytes) == 16);

struct SysctlCpuHotplug {
    u32 cpu;
    u32 operation;
};
static_assert(sizeof(SysctlCpuHotplug) == 8 && has_no_hidden_bytes<SysctlCpuHotplug>);
static_assert(offsetof(SysctlCpuHotplug, operation) == 4);

/// What an offline CPU, or a device that is not there, says of its place.
inline constexpr u32 invalid_core_id = 0xFFFF'FFFF;
inline constexpr u32 invalid_socket_id = 0xFFFF'FFFF;
inline constexpr u32 invalid_node_id = 0xFFFF'FFFF;
inline constexpr u32 invalid_device = 0xFFFF'FFFE;
inline constexpr u32 invalid_memory_size = 0xFFFF'FFFF;
inline constexpr u32 invalid_node_distance = 0xFFFF'FFFF;

/// Where a CPU sits.
struct CpuTopology {
    u32 core;
    u32 socket;
    u32 node;
};
static_assert(sizeof(CpuTopology) == 12 && has_no_hidden_bytes<CpuTopology>);
static_assert(offsetof(CpuTopology, socket) == 4 && offsetof(CpuTopology, node) == 8);

/// A null array asks for the count.
struct SysctlCpuTopologyInfo {
    u32 nr_cpus;
    u32 pad;
    GuestHandle<CpuTopology> topology;
};
static_assert(sizeof(SysctlCpuTopologyInfo) == 16 && has_no_hidden_bytes<SysctlCpuTopologyInfo>);
static_assert(offsetof(SysctlCpuTopologyInfo, topology) == 8);

/// Out: a node for each device.
struct SysctlPciTopologyInfo {
    u32 nr_devices;
    u32 pad;
    GuestHandle<PhysdevPciDevice> devices;
    GuestHandle<u32> nodes;
};
static_assert(sizeof(SysctlPciTopologyInfo) == 24 && has_no_hidden_bytes<SysctlPciTopologyInfo>);
static_assert(offsetof(SysctlPciTopologyInfo, devices) == 8 && offsetof(SysctlPciTopologyInfo, nodes) == 16);

/// Of one node, in bytes.
struct MemoryInfo {
    u64 size;
    u64 free;
};
static_assert(sizeof(MemoryInfo) == 16 && has_no_hidden_bytes<MemoryInfo>);
static_assert(offsetof(MemoryInfo, free) == 8);

/// Null arrays ask for the count.
struct SysctlNumaInfo {
    u32 nr_nodes;
    u32 pad;
    GuestHandle<MemoryInfo> memory;
    GuestHandle<u32> distance;
};
static_assert(sizeof(SysctlNumaInfo) == 24 && has_no_hidden_bytes<SysctlNumaInfo>);
static_assert(offsetof(SysctlNumaInfo, memory) == 8 && offsetof(SysctlNumaInfo, distance) == 16);

/// SysctlCpupoolOp::operation. (XEN_SYSCTL_CPUPOOL_OP_*)
enum class CpupoolCommand : u32 {
    Create = 1,
    Destroy = 2,
    Info = 3,
    AddCpu = 4,
    RemoveCpu = 5,
    MoveDomain = 6,
    FreeInfo = 7,
};

/// SysctlCpupoolOp::cpupool_id: any.
inline constexpr u32 cpupool_any = 0xFFFF'FFFF;

/// Info finds the first pool with at least this number.
struct SysctlCpupoolOp {
    u32 operation;
    u32 cpupool_id;
    u32 scheduler_id;
    u32 domain;
    u32 cpu;
    u32 nr_domains;
    ControlBitmap cpus;
};
static_assert(sizeof(SysctlCpupoolOp) == 40 && has_no_hidden_bytes<SysctlCpupoolOp>);
static_assert(offsetof(SysctlCpupoolOp, cpupool_id) == 4 && offsetof(SysctlCpupoolOp, scheduler_id) == 8 &&
              offsetof(SysctlCpupoolOp, domain) == 12 && offsetof(SysctlCpupoolOp, cpu) == 16 &&
              offsetof(SysctlCpupoolOp, nr_domains) == 20 && offsetof(SysctlCpupoolOp, cpus) == 24);

/// SysctlSchedulerOp::command. (XEN_SYSCTL_SCHEDOP_*)
enum class SysctlSchedulerCommand : u32 {
    PutInfo = 0,
    GetInfo = 1,
};

struct SchedCreditSchedule {
    u32 timeslice_ms;
    u32 ratelimit_us;
    u32 vcpu_migration_delay_us;
};
static_assert(sizeof(SchedCreditSchedule) == 12 && has_no_hidden_bytes<SchedCreditSchedule>);
static_assert(offsetof(SchedCreditSchedule, ratelimit_us) == 4 &&
              offsetof(SchedCreditSchedule, vcpu_migration_delay_us) == 8);

struct SchedCredit2Schedule {
    u32 ratelimit_us;
};
static_assert(sizeof(SchedCredit2Schedule) == 4 && has_no_hidden_bytes<SchedCredit2Schedule>);

/// The rate limits that are accepted, in microseconds; 0 turns the limit off.
inline constexpr u32 ratelimit_min_us = 100;
inline constexpr u32 ratelimit_max_us = 500000;

/// The parameters of a pool's scheduler.
struct SysctlSchedulerOp {
    u32 cpupool_id;
    u32 scheduler_id;
    u32 command;
    u32 pad;
    union Parameters {
        std::array<u8, 16> raw;
        SchedCreditSchedule credit;
        SchedCredit2Schedule credit2;
    } u;
};
static_assert(sizeof(SysctlSchedulerOp) == 32);
static_assert(offsetof(SysctlSchedulerOp, scheduler_id) == 4 && offsetof(SysctlSchedulerOp, command) == 8 &&
              offsetof(SysctlSchedulerOp, u) == 16);

struct SysctlCpuLevellingCaps {
    u32 capabilities;
};
static_assert(sizeof(SysctlCpuLevellingCaps) == 4 && has_no_hidden_bytes<SysctlCpuLevellingCaps>);

/// SysctlCpuFeatureset::index. (XEN_SYSCTL_cpu_featureset_*)
enum class CpuFeaturesetIndex : u32 {
    Raw = 0,
    Host = 1,
    Pv = 2,
    Hvm = 3,
    PvMax = 4,
    HvmMax = 5,
};

/// In and out: nr_features, the number of words.
struct SysctlCpuFeatureset {
    u32 index;
    u32 nr_features;
    GuestHandle<u32> features;
};
static_assert(sizeof(SysctlCpuFeatureset) == 16 && has_no_hidden_bytes<SysctlCpuFeatureset>);
static_assert(offsetof(SysctlCpuFeatureset, nr_features) == 4 && offsetof(SysctlCpuFeatureset, features) == 8);

/// SysctlCpuPolicy::index. (XEN_SYSCTL_cpu_policy_*)
enum class CpuPolicyIndex : u32 {
    Raw = 0,
    Host = 1,
    PvMax = 2,
    HvmMax = 3,
    PvDefault = 4,
    HvmDefault = 5,
};

/// In and out: the counts; null handles ask for the most there can be.
struct SysctlCpuPolicy {
    u32 index;
    u32 nr_leaves;
    u32 nr_msrs;
    u32 reserved;
    GuestHandle<CpuidLeaf> leaves;
    GuestHandle<MsrEntry> msrs;
};
static_assert(sizeof(SysctlCpuPolicy) == 32 && has_no_hidden_bytes<SysctlCpuPolicy>);
static_assert(offsetof(SysctlCpuPolicy, nr_leaves) == 4 && offsetof(SysctlCpuPolicy, nr_msrs) == 8 &&
              offsetof(SysctlCpuPolicy, reserved) == 12 && offsetof(SysctlCpuPolicy, leaves) == 16 &&
              offsetof(SysctlCpuPolicy, msrs) == 24);

/// The call itself; its interface version is that of the caller's release (versions.hpp). `Sysctl call{}` is zero in
/// every byte, because `raw` comes first and covers the union.
struct Sysctl {
    u32 command; // SysctlCommand
    u32 interface_version;
    union Payload {
        std::array<u8, 128> raw;
        SysctlReadConsole read_console;
        SysctlPhysInfo phys_info;
        SysctlCpuTopologyInfo cpu_topology_info;
        SysctlPciTopologyInfo pci_topology_info;
        SysctlNumaInfo numa_info;
        SysctlSchedId sched_id;
        SysctlPerfcOp perfc_op;
        SysctlGetDomainInfoList get_domain_info_list;
        SysctlDebugKeys debug_keys;
        SysctlGetCpuInfo get_cpu_info;
        SysctlAvailHeap avail_heap;
        SysctlCpuHotplug cpu_hotplug;
        SysctlCpupoolOp cpupool_op;
        SysctlSchedulerOp scheduler_op;
        SysctlCpuLevellingCaps cpu_levelling_caps;
        SysctlCpuFeatureset cpu_featureset;
        SysctlCpuPolicy cpu_policy;
    } u;
};
static_assert(sizeof(Sysctl) == 136);
static_assert(offsetof(Sysctl, interface_version) == 4 && offsetof(Sysctl, u) == 8);

}
