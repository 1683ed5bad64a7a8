// SPDX-License-Identifier: MIT
/// The memory map that dom0 sees: the machine's own, with less RAM.
///
///   host   RAM ───────────────────────────┤ reserved ├─ PCI hole ─┤ RAM ─────────────────────────┤
///   dom0   RAM ──┤ unusable ├─ RAM ───────┤ reserved ├─ PCI hole ─┤ RAM ──────────┤ unusable ────┤
///                 held by the hypervisor                                         budget used up
///
/// Guest-physical is host-physical (design.md, D6), so holes, firmware regions and device windows are where the
/// firmware and the devices' registers say they are. RAM is handed out from low to high. "Unusable" keeps the kernel
/// from putting devices there.
#pragma once

#include <span>

#include "boot/boot_info.hpp"
#include "kernel/device_memory/frame_run.hpp"
#include "kernel/lib/error.hpp"

namespace hospes::dom0 {

/// Linux takes 128 entries at most. (arch/x86/include/uapi/asm/bootparam.h, E820_MAX_ENTRIES_ZEROPAGE.)
inline constexpr size_t max_map_entries = 128;
using MemoryMap = StaticVector<boot::MemoryRange, max_map_entries>;

/// `host` is sorted and disjoint; so is `held`. At most `budget` frames become usable. If there would be too many
/// entries, the smallest pieces of RAM are left out until they fit. TooBig if even that is not enough: the firmware's
/// map alone has too many entries.
[[nodiscard]] Expected<MemoryMap> make_memory_map(std::span<boot::MemoryRange const> host,
                                                  std::span<FrameRun const> held, u64 budget);

/// Frames of RAM in a map.
[[nodiscard]] u64 usable_frames(std::span<boot::MemoryRange const> map);

/// Marks `bytes` from `where` on as holding ACPI tables. Invalid if they do not lie inside one range of RAM; NoSpace if
/// the map is full.
[[nodiscard]] Expected<> mark_as_acpi(MemoryMap& map, Hpa where, u64 bytes);

}
