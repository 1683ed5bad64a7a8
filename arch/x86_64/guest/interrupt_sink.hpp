// SPDX-License-Identifier: MIT
/// Where virtual device interrupts go: to the local APICs of one domain.
#pragma once

#include "arch/x86_64/guest/apic_registers.hpp"

namespace hospes::arch {

class InterruptSink {
public:
    /// Finds the vCPUs that `message` names. False if none of them took it. Any CPU may call; takes
    /// LockRank::Scheduler.
    virtual bool deliver(ApicMessage const& message) = 0;

protected:
    ~InterruptSink() = default;
};

}
