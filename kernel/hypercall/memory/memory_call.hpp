// SPDX-License-Identifier: MIT
/// What the memory_op commands share.
#pragma once

#include "kernel/abi/xen/memory.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/hypercall/guest_memory.hpp"
#include "kernel/hypercall/table.hpp"

namespace hospes::memory {

/// One memory_op: `start` extents were done by earlier runs of the same call.
struct MemoryCall {
    Vcpu& caller;
    HypercallArguments& arguments;
    u64 start;

    template <typename T>
    [[nodiscard]] xen::GuestHandle<T> claim() const
    {
        return claim_of<T>(arguments[1]);
    }
    /// Continues the call later with the first `done` extents done. The count travels in the command's upper bits.
    [[nodiscard]] std::unexpected<Error> restart_at(u64 done) const
    {
        arguments[0] = (arguments[0] & xen::memory_command_mask) | done << xen::memory_command_bits;
        return failure(Error::Restart);
    }
};

using Handler = Expected<u64> (*)(MemoryCall&);

Expected<u64> decrease_reservation(MemoryCall&);
Expected<u64> populate_physmap(MemoryCall&);
Expected<u64> claim_pages(MemoryCall&);

Expected<u64> add_to_physmap(MemoryCall&);
Expected<u64> add_to_physmap_batch(MemoryCall&);
Expected<u64> remove_from_physmap(MemoryCall&);
Expected<u64> acquire_resource(MemoryCall&);

Expected<u64> maximum_ram_page(MemoryCall&);
Expected<u64> current_reservation(MemoryCall&);
Expected<u64> maximum_reservation(MemoryCall&);
Expected<u64> maximum_guest_frame(MemoryCall&);
Expected<u64> memory_map(MemoryCall&);
Expected<u64> set_memory_map(MemoryCall&);
Expected<u64> pod_target(MemoryCall&);
Expected<u64> shared_page_count(MemoryCall&);
Expected<u64> reserved_device_memory_map(MemoryCall&);
Expected<u64> vnuma_info(MemoryCall&);

/// Maps `frame` at `where`; what was there before is taken out, unless it is a grant mapping or a device: Invalid.
[[nodiscard]] Expected<> place(Domain& domain, Gfn where, FrameReference frame, MappingType type);

}
