// SPDX-License-Identifier: MIT
/// memory_op: populating, mapping and describing a domain's physical address space.
/// (xen/include/public/memory.h)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/abi/xen/physdev.hpp"
#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// The low bits of a call's first argument. (XENMEM_*)
enum class MemoryCommand : u32 {
    IncreaseReservation = 0,
    DecreaseReservation = 1,
    MaximumRamPage = 2,
    CurrentReservation = 3,
    MaximumReservation = 4,
    MachphysMfnList = 5,
    PopulatePhysmap = 6,
    AddToPhysmap = 7,
    MemoryMap = 9,
    MachineMemoryMap = 10,
    Exchange = 11,
    MachphysMapping = 12,
    SetMemoryMap = 13,
    MaximumGpfn = 14,
    RemoveFromPhysmap = 15,
    SetPodTarget = 16,
    GetPodTarget = 17,
    GetSharingFreedPages = 18,
    GetSharingSharedPages = 19,
    PagingOp = 20,
    AccessOp = 21,
    SharingOp = 22,
    AddToPhysmapBatch = 23,
    ClaimPages = 24,
    MachphysCompatMfnList = 25,
    GetVnumaInfo = 26,
    ReservedDeviceMemoryMap = 27,
    AcquireResource = 28,
};

/// Where the command ends and the extent to continue from begins. (xen/common/memory.c, MEMOP_EXTENT_SHIFT)
inline constexpr u32 memory_command_bits = 6;
inline constexpr u32 memory_command_mask = (1U << memory_command_bits) - 1;

/// MemoryReservation::mem_flags above the address width (bits 0-7) and the node plus one (bits 8-15). (XENMEMF_*)
namespace memory_flag {
inline constexpr u32 populate_on_demand = 1U << 16;
inline constexpr u32 exact_node_request = 1U << 17;
inline constexpr u32 vnode = 1U << 18;
}

/// Extents of 2^extent_order pages each; what extent_start lists depends on the command.
struct MemoryReservation {
    GuestHandle<u64> extent_start;
    u64 nr_extents;
    u32 extent_order;
    u32 mem_flags; // memory_flag
    DomainId domain;
    std::array<u16, 3> pad;
};
static_assert(sizeof(MemoryReservation) == 32 && has_no_hidden_bytes<MemoryReservation>);
static_assert(offsetof(MemoryReservation, nr_extents) == 8 && offsetof(MemoryReservation, extent_order) == 16 &&
              offsetof(MemoryReservation, mem_flags) == 20 && offsetof(MemoryReservation, domain) == 24);

/// The argument of the commands that only name a domain.
struct MemoryDomain {
    DomainId domain;
};
static_assert(sizeof(MemoryDomain) == 2 && has_no_hidden_bytes<MemoryDomain>);

/// What add_to_physmap maps. (XENMAPSPACE_*)
enum class MapSpace : u32 {
    SharedInfo = 0,
    GrantTable = 1,
    Gmfn = 2,
    GmfnRange = 3,
    GmfnForeign = 4,
    DeviceMmio = 5,
};

/// In AddToPhysmap::index: the frame is one of the status frames of a version 2 grant table.
inline constexpr u64 map_index_grant_table_status = 0x8000'0000;

/// Maps one page of `space` at `gfn`.
struct AddToPhysmap {
    DomainId domain;
    u16 size;  // pages, for GmfnRange only
    u32 space; // MapSpace
    u64 index;
    u64 gfn;
};
static_assert(sizeof(AddToPhysmap) == 24 && has_no_hidden_bytes<AddToPhysmap>);
static_assert(offsetof(AddToPhysmap, size) == 2 && offsetof(AddToPhysmap, space) == 4 &&
              offsetof(AddToPhysmap, index) == 8 && offsetof(AddToPhysmap, gfn) == 16);

/// `size` mappings at once; one error number comes back for each.
struct AddToPhysmapBatch {
    DomainId domain;
    u16 space; // MapSpace
    u16 size;
    DomainId foreign_domain; // for GmfnForeign; zero otherwise
    GuestHandle<u64> indexes;
    GuestHandle<u64> gfns;
    GuestHandle<s32> errors;
};
static_assert(sizeof(AddToPhysmapBatch) == 32 && has_no_hidden_bytes<AddToPhysmapBatch>);
static_assert(offsetof(AddToPhysmapBatch, space) == 2 && offsetof(AddToPhysmapBatch, size) == 4 &&
              offsetof(AddToPhysmapBatch, foreign_domain) == 6 && offsetof(AddToPhysmapBatch, indexes) == 8 &&
              offsetof(AddToPhysmapBatch, gfns) == 16 && offsetof(AddToPhysmapBatch, errors) == 24);

/// Unmaps one page.
struct RemoveFromPhysmap {
    DomainId domain;
    std::array<u16, 3> pad;
    u64 gfn;
};
static_assert(sizeof(RemoveFromPhysmap) == 16 && has_no_hidden_bytes<RemoveFromPhysmap>);
static_assert(offsetof(RemoveFromPhysmap, gfn) == 8);

/// One range of a memory map. The only packed structure of the ABI.
/// (Linux arch/x86/include/uapi/asm/bootparam.h, struct boot_e820_entry)
struct [[gnu::packed]] E820Entry {
    u64 address;
    u64 size;
    u32 type;
};
static_assert(sizeof(E820Entry) == 20 && has_no_hidden_bytes<E820Entry>);

/// E820Entry::type, the same numbers as in a PVH guest's start information. (ACPI specification, address range types)
enum class E820Type : u32 {
    Ram = 1,
    Reserved = 2,
    AcpiReclaimable = 3,
    AcpiNvs = 4,
    Unusable = 5,
    Disabled = 6,
    Persistent = 7,
};

/// In: the room in the buffer; out: the entries written.
struct MemoryMap {
    u32 nr_entries;
    u32 pad;
    GuestHandle<E820Entry> buffer;
};
static_assert(sizeof(MemoryMap) == 16 && has_no_hidden_bytes<MemoryMap>);
static_assert(offsetof(MemoryMap, buffer) == 8);

/// The map another domain is to be given.
struct ForeignMemoryMap {
    DomainId domain;
    std::array<u16, 3> pad;
    MemoryMap map;
};
static_assert(sizeof(ForeignMemoryMap) == 24 && has_no_hidden_bytes<ForeignMemoryMap>);
static_assert(offsetof(ForeignMemoryMap, map) == 8);

/// Out: the three counts after the target.
struct PodTarget {
    u64 target_pages;
    u64 total_pages;
    u64 pod_cache_pages;
    u64 pod_entries;
    DomainId domain;
    std::array<u16, 3> pad;
};
static_assert(sizeof(PodTarget) == 40 && has_no_hidden_bytes<PodTarget>);
static_assert(offsetof(PodTarget, total_pages) == 8 && offsetof(PodTarget, pod_cache_pages) == 16 &&
              offsetof(PodTarget, pod_entries) == 24 && offsetof(PodTarget, domain) == 32);

/// ReservedDeviceMemoryMap::flags: every range rather than one device's.
namespace reserved_device_memory_flag {
inline constexpr u32 all = 1U << 0;
}

/// A range that must map to itself for some device.
struct ReservedDeviceMemory {
    u64 start_frame;
    u64 nr_pages;
};
static_assert(sizeof(ReservedDeviceMemory) == 16 && has_no_hidden_bytes<ReservedDeviceMemory>);
static_assert(offsetof(ReservedDeviceMemory, nr_pages) == 8);

/// In: the room in the buffer; out: the number of entries there are.
struct ReservedDeviceMemoryMap {
    u32 flags;
    u32 nr_entries;
    GuestHandle<ReservedDeviceMemory> buffer;
    PhysdevPciDevice device;
    u32 pad;
};
static_assert(sizeof(ReservedDeviceMemoryMap) == 24 && has_no_hidden_bytes<ReservedDeviceMemoryMap>);
static_assert(offsetof(ReservedDeviceMemoryMap, nr_entries) == 4 && offsetof(ReservedDeviceMemoryMap, buffer) == 8 &&
              offsetof(ReservedDeviceMemoryMap, device) == 16);

/// AcquireResource::type. (XENMEM_resource_*)
enum class ResourceType : u16 {
    IoreqServer = 0,
    GrantTable = 1,
    VmtraceBuffer = 2,
};

/// AcquireResource::id of a grant table.
inline constexpr u32 resource_grant_table_shared = 0;
inline constexpr u32 resource_grant_table_status = 1;

/// Maps pages that belong to a domain's making rather than to its memory.
struct AcquireResource {
    DomainId domain;
    u16 type; // ResourceType
    u32 id;
    u32 nr_frames; // in and out; zero with a null list asks for the size
    u32 pad;
    u64 frame;                   // the first one
    GuestHandle<u64> frame_list; // where a translated caller wants them
};
static_assert(sizeof(AcquireResource) == 32 && has_no_hidden_bytes<AcquireResource>);
static_assert(offsetof(AcquireResource, type) == 2 && offsetof(AcquireResource, id) == 4 &&
              offsetof(AcquireResource, nr_frames) == 8 && offsetof(AcquireResource, frame) == 16 &&
              offsetof(AcquireResource, frame_list) == 24);

}
