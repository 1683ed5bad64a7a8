// SPDX-License-Identifier: MIT
/// What the sysctl commands share.
#pragma once

#include "kernel/abi/xen/sysctl.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/hypercall/guest_memory.hpp"
#include "kernel/hypercall/table.hpp"

namespace hospes::system_control {

/// One sysctl, with the private copy of its structure; what a handler changes in it is copied back.
struct SysctlCall {
    Vcpu& caller;
    xen::Sysctl& request;
    u32& progress; ///< HypercallArguments::progress

    [[nodiscard]] Budget& budget() const { return caller.budget; }
    /// There is more to do: the call goes on at `done`, with the structure as it is now.
    [[nodiscard]] std::unexpected<Error> restart_at(u32 done) const
    {
        progress = done;
        return failure(Error::Restart);
    }
};

using Handler = Expected<> (*)(SysctlCall&);

// console.cpp
Expected<> read_console(SysctlCall&);
Expected<> press_debug_keys(SysctlCall&);

// performance.cpp
Expected<> performance_counters(SysctlCall&);

// machine.cpp
Expected<> physical_information(SysctlCall&);
Expected<> available_heap(SysctlCall&);
Expected<> cpu_idle_times(SysctlCall&);
Expected<> cpu_topology(SysctlCall&);
Expected<> numa_information(SysctlCall&);
Expected<> pci_topology(SysctlCall&);
Expected<> domain_list(SysctlCall&);

// scheduling.cpp
Expected<> scheduler_id(SysctlCall&);
Expected<> scheduler_op(SysctlCall&);
Expected<> cpupool_op(SysctlCall&);

// cpu_policy.cpp
Expected<> cpu_feature_set(SysctlCall&);
Expected<> cpu_policy(SysctlCall&);
Expected<> levelling_capabilities(SysctlCall&);

}
