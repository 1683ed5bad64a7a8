// SPDX-License-Identifier: MIT
/// From whichever boot protocol brought us here to the BootInfo that the hypervisor works with.
#pragma once

#include "boot/boot_info.hpp"
#include "boot/loader_memory.hpp"

namespace hospes::boot {

/// `magic` and `information` are what the loader left in EAX and EBX. The memory map is still the firmware's
/// afterwards. False if no protocol has this magic.
[[nodiscard]] bool read_boot_info(u32 magic, u32 information, StringStore& strings, BootInfo& out);

}
