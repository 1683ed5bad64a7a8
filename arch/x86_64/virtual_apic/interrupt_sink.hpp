// SPDX-License-Identifier: MIT
/// Where virtual device interrupts go: to the local APICs of one domain.
#pragma once

#include "arch/x86_64/virtual_apic/apic_registers.hpp"

namespace hospes::arch {

class InterruptSink {
public:
    /// Any CPU may call. A message that names nobody is lost, as on hardware. Takes LockRank::Scheduler.
    virtual void deliver(ApicMessage const& message) = 0;

protected:
    ~InterruptSink() = default;
};

}
