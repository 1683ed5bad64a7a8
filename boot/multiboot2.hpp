// SPDX-License-Identifier: MIT
/// Multiboot 2 tags -> BootInfo.
#pragma once

#include "boot/boot_info.hpp"
#include "boot/loader_memory.hpp"

namespace hospes::boot {

/// What EAX holds when a Multiboot 2 loader enters us.
inline constexpr u32 multiboot2_magic = 0x36d7'6289;

/// Reads what the loader left at `where`. Anything that cannot be reached or does not fit is left out;
/// the memory map is as the loader gave it, for sanitize().
void read_multiboot2(LoaderMemory const& memory, Hpa where, StringStore& strings, BootInfo& out);

}
