// SPDX-License-Identifier: MIT
/// Interrupt messages to the virtual CPUs of a domain: from their ICRs, from MSIs, from virtual IOAPIC pins.
#pragma once

#include "arch/x86_64/virtual_apic/apic_registers.hpp"

namespace hospes {
class Domain;
class Vcpu;
}

namespace hospes::arch {

/// Any CPU may call. `sender` is needed for shorthands. A message that addresses nobody is lost, as on hardware.
void deliver_interrupt(Domain& domain, ApicMessage const& message, ApicShorthand shorthand = ApicShorthand::None,
                       Vcpu* sender = nullptr);

}
