// SPDX-License-Identifier: MIT
/// Multiboot 0.6.96 information -> BootInfo.
#pragma once

#include "boot/boot_info.hpp"
#include "boot/loader_memory.hpp"

namespace hospes::boot {

/// What EAX holds when a Multiboot 1 loader enters us.
inline constexpr u32 multiboot1_magic = 0x2bad'b002;

/// Reads what the loader left at `where`. Anything that cannot be reached or does not fit is left out;
/// the memory map is as the loader gave it, for sanitize().
void read_multiboot1(LoaderMemory const& memory, Hpa where, StringStore& strings, BootInfo& out);

}
