// SPDX-License-Identifier: MIT
/// Where a function's memory regions are now.
#pragma once

#include <optional>

#include "kernel/vpci/config_space.hpp"

namespace hospes::vpci {

/// Start of the memory behind base address register `region`, if there is such memory and it is decoded.
[[nodiscard]] std::optional<Gpa> memory_region(ConfigSpace const& space, unsigned region);

/// Registers that decide about the answer.
[[nodiscard]] constexpr bool may_move_memory(u16 offset, unsigned bytes)
{
    constexpr u16 end = pci::header::first_base_address + 6 * 4;
    return offset < end && offset + bytes > pci::header::command;
}

}
