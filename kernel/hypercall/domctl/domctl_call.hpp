// SPDX-License-Identifier: MIT
/// What the domctl commands share.
#pragma once

#include "kernel/abi/xen/domctl.hpp"
#include "kernel/abi/xen/versions.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/hypercall/guest_memory.hpp"
#include "kernel/hypercall/table.hpp"

namespace hospes::control {

/// One domctl, with the private copy of its structure; what a handler changes in it is copied back.
struct DomctlCall {
    Vcpu& caller;
    Domain* domain; ///< the one that is named; null for commands that look it up themselves
    xen::Domctl& request;
    u32& progress;               ///< HypercallArguments::progress
    xen::Release const& release; ///< what the caller's toolstack was made for

    [[nodiscard]] Budget& budget() const { return caller.budget; }
    /// There is more to do: the call goes on at `done`.
    [[nodiscard]] std::unexpected<Error> restart_at(u32 done) const
    {
        progress = done;
        return failure(Error::Restart);
    }
    /// Is the domain the caller's own? Most commands cannot be used on it.
    [[nodiscard]] bool concerns_caller() const { return domain == &caller.domain(); }
    [[nodiscard]] Expected<Vcpu*> vcpu(u32 id) const
    {
        Vcpu* const found = domain->vcpu(id);
        if (!found) return failure(Error::Invalid);
        return found;
    }
};

using Handler = Expected<> (*)(DomctlCall&);

// lifecycle.cpp
Expected<> create_domain(DomctlCall&);
Expected<> destroy_domain(DomctlCall&);
Expected<> pause_domain(DomctlCall&);
Expected<> unpause_domain(DomctlCall&);
Expected<> resume_domain(DomctlCall&);
Expected<> get_domain_info(DomctlCall&);
Expected<> get_domain_state(DomctlCall&);
Expected<> set_domain_handle(DomctlCall&);
Expected<> set_time_offset(DomctlCall&);

// memory.cpp
Expected<> max_memory(DomctlCall&);
Expected<> get_paging_pool(DomctlCall&);
Expected<> set_paging_pool(DomctlCall&);
Expected<> shadow_op(DomctlCall&);
Expected<> page_frame_info(DomctlCall&);
Expected<> get_address_size(DomctlCall&);
Expected<> set_node_affinity(DomctlCall&);
Expected<> get_node_affinity(DomctlCall&);

// dirty_log.cpp
Expected<> switch_dirty_log(Domain& domain, bool on);
Expected<> read_dirty_log(DomctlCall&);

// vcpus.cpp
Expected<> max_vcpus(DomctlCall&);
Expected<> get_vcpu_info(DomctlCall&);
Expected<> get_vcpu_affinity(DomctlCall&);
Expected<> set_vcpu_affinity(DomctlCall&);
Expected<> scheduler_op(DomctlCall&);
Expected<> send_trigger(DomctlCall&);

// vcpu_context.cpp
Expected<> get_vcpu_context(DomctlCall&);
Expected<> set_vcpu_context(DomctlCall&);

// guest_state.cpp
Expected<> get_hvm_context(DomctlCall&);
Expected<> get_hvm_context_partial(DomctlCall&);
Expected<> set_hvm_context(DomctlCall&);
Expected<> get_tsc_info(DomctlCall&);
Expected<> set_tsc_info(DomctlCall&);
Expected<> get_cpu_policy(DomctlCall&);
Expected<> set_cpu_policy(DomctlCall&);

}
