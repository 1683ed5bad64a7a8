// SPDX-License-Identifier: MIT
/// The MCFG as facts: where PCI Express configuration space is mapped into memory.
#pragma once

#include "drivers/acpi/parse.hpp"
#include "kernel/lib/error.hpp"

namespace hospes::acpi {

/// Configuration space of buses `first_bus`..`last_bus` of one segment: 1 MiB a bus.
struct ConfigurationWindow {
    Hpa start{}; ///< of `first_bus`
    u16 segment = 0;
    u8 first_bus = 0;
    u8 last_bus = 0;
    [[nodiscard]] constexpr u64 bytes() const { return (u64{last_bus} - first_bus + 1) * mib; }
};

using ConfigurationWindows = StaticVector<ConfigurationWindow, 16>;

/// Entries that cannot be are logged and left out. Errors: NotFound if there is no MCFG, Invalid if it is too short.
[[nodiscard]] Expected<ConfigurationWindows> parse_mcfg(Tables const& tables);

}
