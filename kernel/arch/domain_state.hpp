// SPDX-License-Identifier: MIT
/// A domain's virtual machine, as the architecture keeps it. The kernel carries it without looking inside.
#pragma once

#include "kernel/lib/error.hpp"

namespace hospes {
class Domain;
}

namespace hospes::arch {

struct VirtualMachine;

/// Owner of a VirtualMachine (arch/x86_64/guest/virtual_machine.hpp): CPUID policy, which ports the domain drives
/// itself, and the maps of who answers at the others and at which addresses. The devices in these maps belong to
/// somebody else: those of the control domain live for ever (dom0_devices.cpp).
class DomainState {
public:
    DomainState() = default;
    DomainState(DomainState const&) = delete;
    DomainState& operator=(DomainState const&) = delete;
    ~DomainState();
    [[nodiscard]] Expected<> initialize(Domain& domain);
    [[nodiscard]] VirtualMachine& operator*() const { return *virtual_machine_; }
    [[nodiscard]] VirtualMachine* operator->() const { return virtual_machine_; }

private:
    VirtualMachine* virtual_machine_ = nullptr;
};

}
