// SPDX-License-Identifier: MIT
/// The start information of a PVH kernel, in one piece:
///
///   StartInfo │ ModuleListEntry │ MemoryMapTableEntry … │ command line \0
#pragma once

#include <span>
#include <string_view>

#include "kernel/dom0/memory_map.hpp"
#include "kernel/lib/address.hpp"

namespace hospes::dom0 {

struct StartInfoContent {
    std::string_view command_line{};
    Gpa initrd{};
    u64 initrd_bytes = 0; ///< 0: there is none
    Gpa rsdp{};           ///< 0: there are no ACPI tables
    std::span<boot::MemoryRange const> memory_map{};
};

/// Bytes needed for `command_line` and the longest memory map.
[[nodiscard]] u64 start_info_bytes(std::string_view command_line);

/// Fills `chunk`, which the guest will see at `where`; all of it is overwritten. NoSpace if it is too small.
[[nodiscard]] Expected<> write_start_info(std::span<u8> chunk, Gpa where, StartInfoContent const& content);

}
