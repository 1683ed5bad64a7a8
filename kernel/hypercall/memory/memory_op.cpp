// SPDX-License-Identifier: MIT
/// memory_op(command, argument). (xen/include/public/memory.h; abi.md 3.1.)
#include "kernel/hypercall/memory/memory_call.hpp"

namespace hospes {

namespace {

using enum xen::MemoryCommand;

/// Commands that are not here are not for auto-translated guests, or need features we leave out (paging, sharing).
constexpr std::array rows{
    CommandRow{DecreaseReservation, taking<memory::decrease_reservation>, Caller::NamedDomain},
    CommandRow{MaximumRamPage, plain<memory::maximum_ram_page>},
    CommandRow{CurrentReservation, taking<memory::current_reservation>, Caller::NamedDomain},
    CommandRow{MaximumReservation, taking<memory::maximum_reservation>, Caller::NamedDomain},
    CommandRow{PopulatePhysmap, taking<memory::populate_physmap>, Caller::NamedDomain},
    CommandRow{AddToPhysmap, taking<memory::add_to_physmap>, Caller::NamedDomain},
    CommandRow{MemoryMap, answering<memory::memory_map>},
    CommandRow{SetMemoryMap, taking<memory::set_memory_map>, Caller::NamedDomain},
    CommandRow{MaximumGpfn, taking<memory::maximum_guest_frame>, Caller::NamedDomain},
    CommandRow{RemoveFromPhysmap, taking<memory::remove_from_physmap>, Caller::NamedDomain},
    CommandRow{SetPodTarget, answering<memory::pod_target>, Caller::ControlDomain},
    CommandRow{GetPodTarget, answering<memory::pod_target>, Caller::ControlDomain},
    CommandRow{GetSharingFreedPages, plain<memory::shared_page_count>},
    CommandRow{GetSharingSharedPages, plain<memory::shared_page_count>},
    CommandRow{AddToPhysmapBatch, taking<memory::add_to_physmap_batch>, Caller::NamedDomain},
    CommandRow{ClaimPages, taking<memory::claim_pages>, Caller::ControlDomain},
    CommandRow{GetVnumaInfo, taking<memory::vnuma_info>, Caller::NamedDomain},
    CommandRow{ReservedDeviceMemoryMap, answering<memory::reserved_device_memory_map>},
    CommandRow{AcquireResource, taking<memory::acquire_resource>},
};
constexpr auto commands = command_table<rows>();

}

Expected<u64> memory_op(Vcpu& caller, HypercallArguments& arguments)
{
    memory::MemoryCall call{caller, arguments, arguments[0] >> xen::memory_command_bits};
    return run_command(commands.find(arguments[0] & xen::memory_command_mask), caller, call, arguments[1]);
}

}
