// SPDX-License-Identifier: MIT
/// grant_table_op and the entries of a version 1 grant table. (xen/include/public/grant_table.h)
#pragma once

#include <cstddef>

#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// (GNTTABOP_*)
enum class GrantTableCommand : u32 {
    MapGrantRef = 0,
    UnmapGrantRef = 1,
    SetupTable = 2,
    DumpTable = 3,
    Transfer = 4,
    Copy = 5,
    QuerySize = 6,
    UnmapAndReplace = 7,
    SetVersion = 8,
    GetStatusFrames = 9,
    GetVersion = 10,
    SwapGrantRef = 11,
    CacheFlush = 12,
};

/// What became of one operation of a batch. (GNTST_*)
enum class GrantStatus : s16 {
    Okay = 0,
    GeneralError = -1,
    BadDomain = -2,
    BadReference = -3,
    BadHandle = -4,
    BadVirtualAddress = -5,
    BadDeviceAddress = -6,
    NoDeviceSpace = -7,
    PermissionDenied = -8,
    BadPage = -9,
    BadCopyArgument = -10,
    AddressTooBig = -11,
    TryAgain = -12,
    NoSpace = -13,
};

/// What map_grant_ref hands out, to be given back to unmap_grant_ref.
using GrantHandle = u32;

/// One entry of a granter's table.
struct GrantEntryV1 {
    u16 flags;       // grant_entry_flag
    DomainId domain; // who may use it
    u32 frame;       // the granter's own frame number
};
static_assert(sizeof(GrantEntryV1) == 8 && has_no_hidden_bytes<GrantEntryV1>);
static_assert(offsetof(GrantEntryV1, domain) == 2 && offsetof(GrantEntryV1, frame) == 4);

/// GrantEntryV1::flags: the kind of grant in the low two bits, then who uses it and how. (GTF_*)
namespace grant_entry_flag {
inline constexpr u16 invalid = 0;
inline constexpr u16 permit_access = 1;
inline constexpr u16 accept_transfer = 2;
inline constexpr u16 transitive = 3;
inline constexpr u16 type_mask = 3;
inline constexpr u16 readonly = 1U << 2;
inline constexpr u16 reading = 1U << 3; // set by the hypervisor while the grant is mapped
inline constexpr u16 writing = 1U << 4; // set by the hypervisor while the grant is mapped writable
inline constexpr u16 pwt = 1U << 5;
inline constexpr u16 pcd = 1U << 6;
inline constexpr u16 pat = 1U << 7;
inline constexpr u16 sub_page = 1U << 8;
}

/// The entries at the start of a table that the toolstack fills before a domain starts.
inline constexpr u32 grant_reserved_entries = 8;
inline constexpr u32 grant_reserved_console = 0;
inline constexpr u32 grant_reserved_xenstore = 1;

/// GrantMap::flags. (GNTMAP_*)
namespace grant_map_flag {
inline constexpr u32 device_map = 1U << 0;
inline constexpr u32 host_map = 1U << 1;
inline constexpr u32 readonly = 1U << 2;
inline constexpr u32 application_map = 1U << 3;
inline constexpr u32 contains_pte = 1U << 4;
}

/// Out: status, handle, device_bus_address.
struct GrantMap {
    u64 host_address; // of an HVM caller: guest-physical
    u32 flags;
    GrantReference reference;
    DomainId domain;
    GrantStatus status;
    GrantHandle handle;
    u64 device_bus_address;
};
static_assert(sizeof(GrantMap) == 32 && has_no_hidden_bytes<GrantMap>);
static_assert(offsetof(GrantMap, flags) == 8 && offsetof(GrantMap, reference) == 12 &&
              offsetof(GrantMap, domain) == 16 && offsetof(GrantMap, status) == 18 &&
              offsetof(GrantMap, handle) == 20 && offsetof(GrantMap, device_bus_address) == 24);

/// Out: status.
struct GrantUnmap {
    u64 host_address;
    u64 device_bus_address;
    GrantHandle handle;
    GrantStatus status;
    u16 pad;
};
static_assert(sizeof(GrantUnmap) == 24 && has_no_hidden_bytes<GrantUnmap>);
static_assert(offsetof(GrantUnmap, device_bus_address) == 8 && offsetof(GrantUnmap, handle) == 16 &&
              offsetof(GrantUnmap, status) == 20);

/// Out: status, and the table's frames in frame_list.
struct GrantSetupTable {
    DomainId domain;
    u16 pad0;
    u32 nr_frames;
    GrantStatus status;
    std::array<u16, 3> pad1;
    GuestHandle<u64> frame_list;
};
static_assert(sizeof(GrantSetupTable) == 24 && has_no_hidden_bytes<GrantSetupTable>);
static_assert(offsetof(GrantSetupTable, nr_frames) == 4 && offsetof(GrantSetupTable, status) == 8 &&
              offsetof(GrantSetupTable, frame_list) == 16);

/// GrantCopy::flags: which end is a grant reference rather than a frame of the caller's. (GNTCOPY_*)
namespace grant_copy_flag {
inline constexpr u16 source_is_reference = 1U << 0;
inline constexpr u16 destination_is_reference = 1U << 1;
}

/// One end of a copy.
struct GrantCopyEnd {
    union Page {
        u64 gfn;
        GrantReference reference;
    } u;
    DomainId domain;
    u16 offset;
    u32 pad;
};

/// Out: status.
struct GrantCopy {
    GrantCopyEnd source;
    GrantCopyEnd destination;
    u16 length;
    u16 flags;
    GrantStatus status;
    u16 pad;
};
static_assert(sizeof(GrantCopyEnd) == 16);
static_assert(offsetof(GrantCopyEnd, domain) == 8 && offsetof(GrantCopyEnd, offset) == 10);
static_assert(sizeof(GrantCopy) == 40);
static_assert(offsetof(GrantCopy, destination) == 16 && offsetof(GrantCopy, length) == 32 &&
              offsetof(GrantCopy, flags) == 34 && offsetof(GrantCopy, status) == 36);

/// Out: all but domain.
struct GrantQuerySize {
    DomainId domain;
    u16 pad0;
    u32 nr_frames;
    u32 max_nr_frames;
    GrantStatus status;
    u16 pad1;
};
static_assert(sizeof(GrantQuerySize) == 16 && has_no_hidden_bytes<GrantQuerySize>);
static_assert(offsetof(GrantQuerySize, nr_frames) == 4 && offsetof(GrantQuerySize, max_nr_frames) == 8 &&
              offsetof(GrantQuerySize, status) == 12);

/// Out: the version now in use.
struct GrantSetVersion {
    u32 version;
};
static_assert(sizeof(GrantSetVersion) == 4 && has_no_hidden_bytes<GrantSetVersion>);

/// Out: version.
struct GrantGetVersion {
    DomainId domain;
    u16 pad;
    u32 version;
};
static_assert(sizeof(GrantGetVersion) == 8 && has_no_hidden_bytes<GrantGetVersion>);
static_assert(offsetof(GrantGetVersion, version) == 4);

/// Out: status.
struct GrantSwap {
    GrantReference reference_a;
    GrantReference reference_b;
    GrantStatus status;
    u16 pad;
};
static_assert(sizeof(GrantSwap) == 12 && has_no_hidden_bytes<GrantSwap>);
static_assert(offsetof(GrantSwap, reference_b) == 4 && offsetof(GrantSwap, status) == 8);

}
