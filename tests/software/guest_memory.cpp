// SPDX-License-Identifier: MIT
/// What a guest does with its memory, and with the pages that the hypervisor shares with it.
#include <array>

#include "kernel/abi/xen/memory.hpp"
#include "tests/software/guest.hpp"

namespace hospes::software {

namespace {

using enum xen::MemoryCommand;

template <typename T>
s64 memory(Guest const& guest, xen::MemoryCommand command, T request)
{
    return guest.processor().call_with(xen::Hypercall::MemoryOp, command, request);
}

/// 1 to 4 extents, mostly its own spare frames.
s64 reservation(Guest& guest, xen::MemoryCommand command)
{
    std::array<u64, 4> extents;
    for (u64& extent : extents) extent = guest.one_in(8) ? guest.any_frame() : guest.spare_frame();
    u64 const list = guest.processor().page(first_list);
    if (!guest.processor().put(list, extents)) return Processor::no_memory;
    u64 const count = 1 + guest.below(extents.size());
    s64 const done = memory(guest, command,
                            xen::MemoryReservation{.extent_start = {list},
                                                   .nr_extents = count,
                                                   .extent_order = guest.one_in(16) ? 1u : 0u,
                                                   .mem_flags = 0,
                                                   .domain = guest.one_in(8) ? guest.any_domain() : xen::domid_self,
                                                   .pad = {}});
    return done > 0 ? 0 : -1;
}

s64 add(Guest& guest, xen::MapSpace space, u64 index, u64 where)
{
    xen::DomainId const whose = guest.one_in(16) ? guest.any_domain() : xen::domid_self;
    return memory(guest, AddToPhysmap, xen::AddToPhysmap{whose, 0, static_cast<u32>(space), index, where});
}

s64 ask_about_domain(Guest& guest, xen::MemoryCommand command)
{
    return memory(guest, command, xen::MemoryDomain{guest.self_or_any()});
}

std::array const actions{
    Action{"memory: decrease", 4, [](Guest& guest) { return reservation(guest, DecreaseReservation); }},
    Action{"memory: populate", 5, [](Guest& guest) { return reservation(guest, PopulatePhysmap); }},
    Action{"memory: add shared info", 2,
           [](Guest& guest) {
               u64 const where = guest.one_in(4) ? guest.any_frame() : shared_info_at;
               return add(guest, xen::MapSpace::SharedInfo, 0, where);
           }},
    Action{"memory: add grant table", 4,
           [](Guest& guest) {
               u32 const index = guest.below(3);
               return add(guest, xen::MapSpace::GrantTable, index, grant_table_at + index);
           }},
    Action{"memory: add grant elsewhere", 1,
           [](Guest& guest) { return add(guest, xen::MapSpace::GrantTable, guest.below(3), guest.any_frame()); }},
    Action{"memory: remove", 2,
           [](Guest& guest) {
               xen::DomainId const whose = guest.one_in(16) ? guest.any_domain() : xen::domid_self;
               return memory(guest, RemoveFromPhysmap, xen::RemoveFromPhysmap{whose, {}, guest.any_frame()});
           }},
    Action{"memory: current_reservation", 1, [](Guest& guest) { return ask_about_domain(guest, CurrentReservation); }},
    Action{"memory: maximum_reservation", 1, [](Guest& guest) { return ask_about_domain(guest, MaximumReservation); }},
    Action{"memory: maximum_gpfn", 1, [](Guest& guest) { return ask_about_domain(guest, MaximumGpfn); }},
    Action{"memory: memory_map", 1,
           [](Guest& guest) {
               return memory(guest, MemoryMap, xen::MemoryMap{4, 0, {guest.processor().page(first_list)}});
           }},
    Action{"memory: reserved devices", 1,
           [](Guest& guest) { return memory(guest, ReservedDeviceMemoryMap, xen::ReservedDeviceMemoryMap{}); }},
};

}

std::span<Action const> memory_actions() { return actions; }

}
