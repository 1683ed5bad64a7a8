// SPDX-License-Identifier: MIT
/// The hardware's PCI configuration space: through ports 0xCF8 and 0xCFC, and through memory where ACPI's MCFG says so.
#pragma once

#include "drivers/acpi/mcfg.hpp"
#include "drivers/pci/device.hpp"

namespace hospes::pci {

/// Before the first access, with what the MCFG says (nothing is a valid answer).
void initialize_config_access(acpi::ConfigurationWindows const& windows);
/// One more window. NoSpace; Exists if a window has some of these buses already.
[[nodiscard]] Expected<> add_config_window(acpi::ConfigurationWindow const& window);
[[nodiscard]] acpi::ConfigurationWindows const& config_windows();

/// `bytes` is 1, 2 or 4 and `offset` a multiple of it. All ones if there is no such register.
[[nodiscard]] u32 read_config(FunctionAddress function, u16 offset, unsigned bytes);
void write_config(FunctionAddress function, u16 offset, unsigned bytes, u32 value);

}
