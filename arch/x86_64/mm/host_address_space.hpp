// SPDX-License-Identifier: MIT
/// The hypervisor's own address space: built once while booting, then only device mappings are added.
#pragma once

#include <span>

#include "boot/boot_info.hpp"

namespace hospes::host_address_space {

/// Builds the final tables: direct map of the memory in `map`, and the image with each part as restricted as it can
/// be. Runs on the early tables. Ranges for which no table page is left become Unusable. Switches this CPU.
void build(std::span<boot::MemoryRange> map);

/// Switches the calling CPU to the final tables; EFER.NXE must be set.
void activate();

/// CR3 of the early tables: below 4 GiB, first 4 GiB mapped at their own addresses, the image and the direct map as
/// usual. Starting CPUs pass through them. Gone after release_boot_memory().
[[nodiscard]] Hpa early_root();

/// Unmaps what is used only while booting from the image and calls `release` for each such range of memory.
/// Nothing in boot/ may run afterwards.
void release_boot_memory(void (*release)(Hpa start, u64 bytes));

}
