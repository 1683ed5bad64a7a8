// SPDX-License-Identifier: MIT
/// What the machine keeps for each domain. The kernel carries it without looking inside.
#pragma once

#include "kernel/lib/error.hpp"

namespace hospes {
class Domain;
}

namespace hospes::arch {

struct DomainMachine;

/// Owner of a DomainMachine (arch/x86_64/guest/domain_machine.hpp): CPUID policy, which ports the domain drives itself,
/// and the maps of who answers at the others and at which addresses. The devices in these maps belong to somebody else:
/// those of the control domain live for ever (dom0_devices.cpp).
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
