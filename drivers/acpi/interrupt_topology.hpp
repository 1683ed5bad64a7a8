// SPDX-License-Identifier: MIT
/// The MADT in the words of the interrupt code.
#pragma once

#include "arch/x86_64/irq/topology.hpp"
#include "drivers/acpi/madt.hpp"

namespace hospes::acpi {

/// Only enabled processors are listed. What does not fit into the topology's tables is logged and left out.
[[nodiscard]] InterruptTopology interrupt_topology(Madt const& madt);

}
