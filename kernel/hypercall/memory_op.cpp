// SPDX-License-Identifier: MIT
/// memory_op(command, argument). (xen/include/public/memory.h; abi.md 3.1.)
#include "kernel/hypercall/memory/memory_call.hpp"

namespace hospes {

namespace {

struct Row {
    xen::MemoryCommand command;
    memory::Handler handler;
};

using enum xen::MemoryCommand;

/// Commands that are not here are not for auto-translated guests, or need features we leave out (paging, sharing).
constexpr std::array rows{
    Row{DecreaseReservation, memory::decrease_reservation},
    Row{MaximumRamPage, memory::maximum_ram_page},
    Row{CurrentReservation, memory::current_reservation},
    Row{MaximumReservation, memory::maximum_reservation},
    Row{PopulatePhysmap, memory::populate_physmap},
    Row{AddToPhysmap, memory::add_to_physmap},
    Row{MemoryMap, memory::memory_map},
    Row{SetMemoryMap, memory::set_memory_map},
    Row{MaximumGpfn, memory::maximum_guest_frame},
    Row{RemoveFromPhysmap, memory::remove_from_physmap},
    Row{SetPodTarget, memory::pod_target},
    Row{GetPodTarget, memory::pod_target},
    Row{GetSharingFreedPages, memory::shared_page_count},
    Row{GetSharingSharedPages, memory::shared_page_count},
    Row{AddToPhysmapBatch, memory::add_to_physmap_batch},
    Row{ClaimPages, memory::claim_pages},
    Row{GetVnumaInfo, memory::vnuma_info},
    Row{ReservedDeviceMemoryMap, memory::reserved_device_memory_map},
    Row{AcquireResource, memory::acquire_resource},
};

}

Expected<u64> memory_op(Vcpu& caller, HypercallArguments& arguments)
{
    auto const command = static_cast<xen::MemoryCommand>(arguments[0] & xen::memory_command_mask);
    memory::MemoryCall call{caller, arguments, arguments[0] >> xen::memory_command_bits};
    for (Row const& row : rows)
        if (row.command == command) return row.handler(call);
    return failure(Error::NotImplemented);
}

}
