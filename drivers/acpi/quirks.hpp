// SPDX-License-Identifier: MIT
/// What is done without on machines that do it wrongly.
#pragma once

#include "drivers/acpi/parse.hpp"

namespace hospes::quirks {

/// Is the CPU to serve the local APICs of guests, if it can? What apicv= says; else no on a machine that does it
/// wrongly.
[[nodiscard]] bool wants_apic_virtualization(acpi::Tables const& tables);

}
