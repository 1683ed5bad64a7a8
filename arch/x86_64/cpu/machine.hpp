// SPDX-License-Identifier: MIT
/// What the firmware tables say about the machine that reboot_machine() and the calibration of the clock can use.
/// All of it is optional.
#pragma once

#include "kernel/lib/address.hpp"

namespace hospes::machine {

/// Writing `value` there resets the machine. (ACPI 6.5, section 4.8.3.6) The register in memory is mapped at once.
void use_reset_port(u16 port, u8 value);
void use_reset_memory(Hpa where, u8 value);

/// The power-management timer: 24 bits or more, at 3.579545 MHz. (ACPI 6.5, section 4.8.3.3)
void use_power_management_timer(u16 port);

/// Called by power_off_machine(); returns if it could not.
void use_power_off(void (*action)());

}
