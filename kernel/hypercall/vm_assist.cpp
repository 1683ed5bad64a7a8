// SPDX-License-Identifier: MIT
/// vm_assist(command, type): only the mark in run-state areas is left of it. (abi.md 3.0, 4.3.)
#include "kernel/domain/domain.hpp"
#include "kernel/hypercall/table.hpp"

namespace hospes {

Expected<u64> vm_assist(Vcpu& caller, HypercallArguments& arguments)
{
    auto const command = static_cast<xen::VmAssistCommand>(arguments[0]);
    if (static_cast<xen::VmAssistType>(arguments[1]) != xen::VmAssistType::RunstateUpdateFlag)
        return failure(Error::Invalid);
    if (command != xen::VmAssistCommand::Enable && command != xen::VmAssistCommand::Disable)
        return failure(Error::NotImplemented);
    caller.domain().clock.marks_run_states.store(command == xen::VmAssistCommand::Enable, std::memory_order_relaxed);
    return 0;
}

}
