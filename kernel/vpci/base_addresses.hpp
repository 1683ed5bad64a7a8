// SPDX-License-Identifier: MIT
/// Where a function's memory regions are now.
#pragma once

#include <optional>

#include "kernel/vpci/config_space.hpp"

namespace hospes::vpci {

/// Where the memory of base address register `region` starts. `read` gives the value of one of the `count` registers
/// that there are. Nothing for ports, for an address that was never set, and for half a register. (PCI 3.0,
/// section 6.2.5.1)
template <typename Read>
[[nodiscard]] std::optional<u64> memory_start(Read&& read, unsigned region, unsigned count)
{
    using pci::BaseAddress;
    BaseAddress const low{read(region)};
    if (low.get<BaseAddress::IsPort>()) return std::nullopt;
    u64 start = low.raw() & BaseAddress::address_mask;
    if (low.get<BaseAddress::Width>() == pci::AddressWidth::Bits64) {
        if (region + 1 >= count) return std::nullopt;
        start |= u64{read(region + 1)} << 32;
    }
    return start == 0 ? std::nullopt : std::optional{start};
}

/// Start of the memory behind base address register `region`, if there is such memory and it is decoded.
[[nodiscard]] std::optional<Gpa> memory_region(ConfigSpace const& space, unsigned region);

/// Registers that decide about the answer.
[[nodiscard]] constexpr bool may_move_memory(u16 offset, unsigned bytes)
{
    constexpr u16 end = pci::header::first_base_address + 6 * 4;
    return offset < end && offset + bytes > pci::header::command;
}

}
