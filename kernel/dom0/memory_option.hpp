// SPDX-License-Identifier: MIT
/// The option dom0_mem=, and how much memory it comes to. (xen/docs/misc/xen-command-line.pandoc, "dom0_mem".)
#pragma once

#include <optional>
#include <string_view>

#include "kernel/lib/error.hpp"

namespace hospes::dom0 {

/// `512M`, `10%`, `512M+10%`, or `-256M`: everything but 256 MiB.
struct MemoryAmount {
    u64 bytes = 0;
    u32 percent = 0; ///< of all memory, on top of `bytes`
    bool all_but = false;
};

struct MemoryOption {
    std::optional<MemoryAmount> size, min, max;
};

/// `[min:<amount>,][max:<amount>,][<amount>]`, in any order; a plain number is in KiB. Errors: Invalid.
[[nodiscard]] Expected<MemoryOption> parse_memory_option(std::string_view text);

/// How many frames dom0 gets of `free` that nobody holds, on a machine with `total`. Without a size: all but a
/// sixteenth of the machine, that being at most 128 MiB.
[[nodiscard]] u64 dom0_frames(MemoryOption const& option, u64 total, u64 free);

}
