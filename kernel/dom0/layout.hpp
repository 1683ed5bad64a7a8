// SPDX-License-Identifier: MIT
/// Where in dom0's memory everything goes that it finds there when it starts.
///
///   1 MiB      kernel: where its ELF says         initrd   start info              ACPI tables
///   ├──────────┤██████████████████████████├───────┤██████├─┤███├────────── … ──────┤███├── 4 GiB
///
/// Only RAM that dom0 gets is used, and never what still holds the originals while they are being copied.
#pragma once

#include <span>

#include "kernel/dom0/load_failure.hpp"
#include "kernel/dom0/memory_map.hpp"

namespace hospes::dom0 {

struct LayoutRequest {
    Gpa kernel_start{}, kernel_end{};
    u64 initrd_bytes = 0; ///< 0: there is none
    u64 start_info_bytes = 0;
    u64 acpi_bytes = 0; ///< 0: there are none
};

/// All page-aligned.
struct Layout {
    Gpa initrd{};
    Gpa start_info{};
    Gpa acpi{};
};

/// `busy` names frames that must not be written to before the copying is done.
/// KernelOutsideMemory, NotEnoughMemoryToUnpack (the kernel's place is busy), NoRoomFor….
[[nodiscard]] Loaded<Layout> plan_layout(MemoryMap const& map, std::span<FrameRun const> busy,
                                         LayoutRequest const& request);

}
