// SPDX-License-Identifier: MIT
/// console_io, by which dom0 reads and writes the machine's console. (xen/include/public/xen.h)
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes::xen {

/// The first argument; then a byte count and a buffer. (CONSOLEIO_*)
enum class ConsoleCommand : u32 {
    Write = 0,
    Read = 1,
};

/// The port on which a guest can print a byte. (xen/include/public/arch-x86/xen.h)
inline constexpr u16 debug_console_port = 0xE9;

}
