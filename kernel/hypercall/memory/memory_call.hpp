// SPDX-License-Identifier: MIT
/// What the memory_op commands share.
#pragma once

#include "kernel/abi/xen/memory.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/hypercall/command_table.hpp"
#include "kernel/hypercall/guest_memory.hpp"

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

Expected<u64> decrease_reservation(MemoryCall&, Domain&, xen::MemoryReservation const&);
Expected<u64> populate_physmap(MemoryCall&, Domain&, xen::MemoryReservation const&);
Expected<> claim_pages(MemoryCall&, xen::MemoryReservation const&);

Expected<> add_to_physmap(MemoryCall&, Domain&, xen::AddToPhysmap const&);
Expected<> add_to_physmap_batch(MemoryCall&, Domain&, xen::AddToPhysmapBatch const&);
Expected<> remove_from_physmap(MemoryCall&, Domain&, xen::RemoveFromPhysmap const&);
Expected<> acquire_resource(MemoryCall&, xen::AcquireResource const&);

Expected<u64> maximum_ram_page(MemoryCall&);
Expected<u64> current_reservation(MemoryCall&, Domain&, xen::MemoryDomain const&);
Expected<u64> maximum_reservation(MemoryCall&, Domain&, xen::MemoryDomain const&);
Expected<u64> maximum_guest_frame(MemoryCall&, Domain&, xen::MemoryDomain const&);
Expected<> memory_map(MemoryCall&, xen::MemoryMap&);
Expected<> set_memory_map(MemoryCall&, Domain&, xen::ForeignMemoryMap const&);
Expected<> pod_target(MemoryCall&, Domain&, xen::PodTarget&);
Expected<u64> shared_page_count(MemoryCall&);
Expected<> reserved_device_memory_map(MemoryCall&, xen::ReservedDeviceMemoryMap&);
Expected<> vnuma_info(MemoryCall&, Domain&, xen::MemoryDomain const&);

/// Maps `frame` at `where`; what was there before is taken out, unless it is a grant mapping or a device: Invalid.
[[nodiscard]] Expected<> place(Domain& domain, Gfn where, FrameReference frame, MappingType type);

}
