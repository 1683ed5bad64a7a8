// SPDX-License-Identifier: MIT
/// Each structure that lies otherwise in a 32-bit caller's memory. tests/unit/abi/compat_layouts.cpp compares them with
/// Xen's headers, compiled for both.
#pragma once

#include "kernel/abi/compat/layout.hpp"
#include "kernel/abi/xen/grant_table.hpp"
#include "kernel/abi/xen/memory.hpp"
#include "kernel/abi/xen/multicall.hpp"
#include "kernel/abi/xen/sched.hpp"
#include "kernel/abi/xen/vcpu.hpp"
#include "kernel/abi/xen/version.hpp"

namespace hospes::compat {

/// An element of an array of frame numbers or the like.
inline constexpr Layout one_long = layout<u64>({unsigned_long});

inline constexpr Layout multicall_entry = layout<xen::MulticallEntry>({unsigned_long, unsigned_long, longs(6)});

inline constexpr Layout memory_reservation =
    layout<xen::MemoryReservation>({array_of(one_long), unsigned_long, plain<u32>, plain<u32>, plain<u16>});
inline constexpr Layout add_to_physmap =
    layout<xen::AddToPhysmap>({plain<u16>, plain<u16>, plain<u32>, unsigned_long, unsigned_long});
inline constexpr Layout add_to_physmap_batch = layout<xen::AddToPhysmapBatch>(
    {plain<u16>, plain<u16>, plain<u16>, plain<u16>, array_of(one_long), array_of(one_long), pointer});
inline constexpr Layout remove_from_physmap = layout<xen::RemoveFromPhysmap>({plain<u16>, unsigned_long});
inline constexpr Layout memory_map = layout<xen::MemoryMap>({plain<u32>, pointer});
inline constexpr Layout foreign_memory_map =
    layout<xen::ForeignMemoryMap>({plain<u16>, structure_boundary, plain<u32>, pointer});
inline constexpr Layout reserved_device_memory_map =
    layout<xen::ReservedDeviceMemoryMap>({plain<u32>, plain<u32>, pointer, plain<u16>, plain<u8>, plain<u8>});

inline constexpr Layout grant_setup_table = layout<xen::GrantSetupTable>({plain<u16>, plain<u32>, plain<s16>, pointer});
inline constexpr Layout grant_copy =
    layout<xen::GrantCopy>({unsigned_long, plain<u16>, plain<u16>, structure_boundary, unsigned_long, plain<u16>,
                            plain<u16>, structure_boundary, plain<u16>, plain<u16>, plain<s16>});

inline constexpr Layout sched_poll = layout<xen::SchedPoll>({pointer, plain<u32>, plain<u64>});

inline constexpr Layout runstate_info = layout<xen::RunstateInfo>({plain<u32>, plain<u64>, plain<u64, 4>});
inline constexpr Layout register_runstate_area =
    layout<xen::VcpuRegisterRunstateMemoryArea>({pointer, narrow_padding(4)});
inline constexpr Layout register_time_area = layout<xen::VcpuRegisterTimeMemoryArea>({pointer, narrow_padding(4)});
inline constexpr Layout set_singleshot_timer = layout<xen::VcpuSetSingleshotTimer>({plain<u64>, plain<u32>});

inline constexpr Layout platform_parameters = layout<xen::PlatformParameters>({unsigned_long});

}
