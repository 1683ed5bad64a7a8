// SPDX-License-Identifier: MIT
/// Taking the machine's memory over: the frame table, then the allocator.
#pragma once

#include <span>

#include "boot/boot_info.hpp"

namespace hospes::memory_setup {

/// Makes the frame table for the usable ranges of `map` (sanitized) and gives every usable frame to the allocator
/// except those in `keep_out`: our image, the modules, the first megabyte. The ranges must be reachable. While booting,
/// once.
void adopt(std::span<boot::MemoryRange const> map, std::span<boot::MemoryRange const> keep_out);

}
