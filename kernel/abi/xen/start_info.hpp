// SPDX-License-Identifier: MIT
/// What a PVH kernel finds at the address in EBX. (xen/include/public/arch-x86/hvm/start_info.h)
#pragma once

#include <cstddef>

#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// "xEn3" with the top bit of the E set.
inline constexpr u32 start_info_magic = 0x336E'C578;

/// StartInfo::flags. (xen/include/public/xen.h, SIF_*)
namespace start_info_flag {
inline constexpr u32 privileged = 1U << 0;
inline constexpr u32 initial_domain = 1U << 1;
}

/// Version 0 ends after rsdp_address; the memory map came with version 1.
struct StartInfo {
    u32 magic;
    u32 version;
    u32 flags;
    u32 nr_modules;
    u64 module_list_address;
    u64 command_line_address;
    u64 rsdp_address;
    u64 memory_map_address;
    u32 memory_map_entries;
    u32 reserved;
};
static_assert(sizeof(StartInfo) == 56 && has_no_hidden_bytes<StartInfo>);
static_assert(offsetof(StartInfo, version) == 4 && offsetof(StartInfo, flags) == 8 &&
              offsetof(StartInfo, nr_modules) == 12 && offsetof(StartInfo, module_list_address) == 16 &&
              offsetof(StartInfo, command_line_address) == 24 && offsetof(StartInfo, rsdp_address) == 32 &&
              offsetof(StartInfo, memory_map_address) == 40 && offsetof(StartInfo, memory_map_entries) == 48 &&
              offsetof(StartInfo, reserved) == 52);

/// The first one is the initial RAM disk.
struct ModuleListEntry {
    u64 address;
    u64 size;
    u64 command_line_address;
    u64 reserved;
};
static_assert(sizeof(ModuleListEntry) == 32 && has_no_hidden_bytes<ModuleListEntry>);
static_assert(offsetof(ModuleListEntry, size) == 8 && offsetof(ModuleListEntry, command_line_address) == 16 &&
              offsetof(ModuleListEntry, reserved) == 24);

/// MemoryMapTableEntry::type, the same numbers as an E820 map's. (XEN_HVM_MEMMAP_TYPE_*)
enum class MemoryMapType : u32 {
    Ram = 1,
    Reserved = 2,
    Acpi = 3,
    Nvs = 4,
    Unusable = 5,
    Disabled = 6,
    Persistent = 7,
};

struct MemoryMapTableEntry {
    u64 address;
    u64 size;
    u32 type;
    u32 reserved;
};
static_assert(sizeof(MemoryMapTableEntry) == 24 && has_no_hidden_bytes<MemoryMapTableEntry>);
static_assert(offsetof(MemoryMapTableEntry, size) == 8 && offsetof(MemoryMapTableEntry, type) == 16 &&
              offsetof(MemoryMapTableEntry, reserved) == 20);

}
