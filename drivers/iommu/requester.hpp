// SPDX-License-Identifier: MIT
/// Under which id the requests of a function arrive at an IOMMU, and what can be done about all functions at once.
#pragma once

#include <optional>

#include "drivers/acpi/dmar.hpp"
#include "drivers/pci/device.hpp"
#include "kernel/lib/error.hpp"

namespace hospes::iommu {

inline constexpr size_t requester_count = 65536;

[[nodiscard]] constexpr u16 id_of(pci::FunctionAddress function)
{
    return static_cast<u16>(function.bus << 8 | function.devfn);
}
[[nodiscard]] constexpr pci::FunctionAddress function_of(u16 id)
{
    return {.segment = 0, .bus = static_cast<u8>(id >> 8), .devfn = static_cast<u8>(id)};
}

/// A function behind a bridge to conventional PCI does not speak for itself: the bridge takes its requests over, with
/// its own id or with any of the bus behind it. (PCI Express to PCI/PCI-X Bridge Specification 1.0, section 2.3)
struct Requester {
    u16 id = 0;
    bool is_any_of_buses = false; ///< then of buses `first_bus`..`last_bus`
    u8 first_bus = 0;
    u8 last_bus = 0;
};

/// Follows the bridges as they are set up now.
[[nodiscard]] Requester requester_of(pci::FunctionAddress function);

/// The function at the end of a path. NoSuchDevice if a bridge is missing on the way.
[[nodiscard]] Expected<u16> resolve(acpi::DevicePath const& path);

/// Looks for a function that is neither listed nor behind a listed bridge. Bridges themselves do no DMA.
[[nodiscard]] std::optional<pci::FunctionAddress> find_unlisted(std::span<acpi::DevicePath const> listed);

/// No function may do DMA: for when an IOMMU cannot be trusted any more.
void stop_bus_mastering();
void stop_bus_mastering(pci::FunctionAddress function);

}
