// SPDX-License-Identifier: MIT
/// Handing a CPU policy to the toolstack.
#pragma once

#include "kernel/arch/cpu_policy.hpp"
#include "kernel/hypercall/guest_memory.hpp"

namespace hospes {

/// Where the caller wants the lists, how much room there is, and, afterwards, how much was used.
struct PolicyBuffers {
    xen::GuestHandle<xen::CpuidLeaf> leaves;
    xen::GuestHandle<xen::MsrEntry> msrs;
    u32& leaf_count;
    u32& msr_count;
};

/// Writes each list whose handle is not null. NoBufferSpace if it does not fit.
[[nodiscard]] Expected<> write_policy_lists(Vcpu& caller, arch::PolicyLists const& lists, PolicyBuffers buffers);

}
