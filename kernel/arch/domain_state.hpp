// SPDX-License-Identifier: MIT
/// What the machine keeps for each domain. The kernel carries it without looking inside.
#pragma once

#include "kernel/lib/error.hpp"

namespace hospes {
class Domain;
}

namespace hospes::arch {

struct DomainMachine;

/// Owner of a DomainMachine (arch/x86_64/guest/domain_machine.hpp): CPUID and MSR policy, port and MMIO dispatch,
/// virtual IOAPIC and PCI configuration space for the control domain.
class DomainState {
public:
    DomainState() = default;
    DomainState(DomainState const&) = delete;
    DomainState& operator=(DomainState const&) = delete;
    ~DomainState();
    [[nodiscard]] Expected<> initialize(Domain& domain);
    [[nodiscard]] DomainMachine& operator*() const { return *machine_; }
    [[nodiscard]] DomainMachine* operator->() const { return machine_; }

private:
    DomainMachine* machine_ = nullptr;
};

}
