// SPDX-License-Identifier: MIT
/// What a guest does with its grant table, and with what others grant it.
#include <array>

#include "kernel/domain/guest_presence.hpp"
#include "kernel/grant/entry.hpp"
#include "kernel/mm/frame_table.hpp"
#include "tests/software/guest.hpp"

namespace hospes::software {

namespace {

using enum xen::GrantTableCommand;

constexpr u32 entries = 8;
constexpr u32 in_use = xen::grant_entry_flag::reading | xen::grant_entry_flag::writing;

template <typename T>
s64 grant(Guest const& guest, xen::GrantTableCommand command, T& request)
{
    return guest.processor().call_with(xen::Hypercall::GrantTableOp, command, request);
}

template <typename T>
s64 grant_status(Guest const& guest, xen::GrantTableCommand command, T& request)
{
    request.status = xen::GrantStatus::TryAgain;
    s64 const result = grant(guest, command, request);
    return result != 0 ? result : static_cast<s64>(request.status);
}

/// Grants a page, takes a grant back, or changes its mind: by writing the table, if it is mapped.
s64 rewrite_entry(Guest& guest)
{
    u32 const number = guest.below(entries);
    xen::DomainId const whom = guest.any_domain();
    u16 const kind = guest.one_in(4) ? xen::grant_entry_flag::invalid : xen::grant_entry_flag::permit_access;
    u16 const access = guest.one_in(4) ? xen::grant_entry_flag::readonly : u16{0};
    GuestLook const look{guest.processor().vcpu()};
    u8* const table = look.reach(address_of(Gfn{grant_table_at}), true);
    if (!table) return -1;
    auto& entry = reinterpret_cast<SharedGrantEntry*>(table)[number];
    u32 const head = AtomicEntryWords::load(entry.head);
    if ((head & in_use) != 0) return -1;
    std::atomic_ref{entry.frame}.store(number % granted_frames, std::memory_order_relaxed);
    return AtomicEntryWords::exchange(entry.head, head, u32{kind} | access | u32{whom} << 16) ? 0 : -1;
}

s64 map(Guest& guest)
{
    u32 const readonly = guest.one_in(2) ? xen::grant_map_flag::readonly : 0;
    u64 const where = (guest.one_in(16) ? guest.any_frame() : guest.window_frame()) << page_shift;
    xen::GrantMap request{.host_address = where,
                          .flags = xen::grant_map_flag::host_map | readonly,
                          .reference = guest.below(entries),
                          .domain = guest.any_domain(),
                          .status = {},
                          .handle = 0,
                          .device_bus_address = 0};
    s64 const mapped = grant_status(guest, MapGrantRef, request);
    if (mapped == 0) guest.mapped.push_back({where, request.handle});
    return mapped;
}

s64 unmap_handle(Guest const& guest, Guest::MappedGrant const& mapped)
{
    xen::GrantUnmap request{mapped.where, 0, mapped.handle, {}, 0};
    return grant_status(guest, UnmapGrantRef, request);
}

/// Normally what it has mapped itself; else a number out of the air, perhaps another vCPU's.
s64 unmap(Guest& guest)
{
    if (guest.mapped.empty() || guest.one_in(16))
        return unmap_handle(guest, {guest.window_frame() << page_shift, guest.below(32)});
    u32 const which = guest.below(static_cast<u32>(guest.mapped.size()));
    auto const mapped = guest.mapped[which];
    guest.mapped.erase(guest.mapped.begin() + which);
    return unmap_handle(guest, mapped);
}

s64 copy(Guest& guest)
{
    xen::GrantCopy request{};
    xen::GrantCopyEnd const granted{
        .u = {.reference = guest.below(entries)}, .domain = guest.any_domain(), .offset = 0, .pad = 0};
    xen::GrantCopyEnd const own{
        .u = {.gfn = first_buffer + guest.own_id()}, .domain = xen::domid_self, .offset = 64, .pad = 0};
    bool const in = guest.one_in(2);
    request.source = in ? granted : own;
    request.destination = in ? own : granted;
    request.length = 16;
    request.flags = in ? xen::grant_copy_flag::source_is_reference : xen::grant_copy_flag::destination_is_reference;
    return grant_status(guest, Copy, request);
}

std::array const actions{
    Action{"grant: write entry", 8, rewrite_entry},
    Action{"grant: map", 8, map},
    Action{"grant: unmap", 8, unmap},
    Action{"grant: copy", 6, copy},
    Action{"grant: setup_table", 1,
           [](Guest& guest) {
               xen::GrantSetupTable request{guest.self_or_any(), 0, 1 + guest.below(5), {}, {}, {}};
               return grant_status(guest, SetupTable, request);
           }},
    Action{"grant: query_size", 1,
           [](Guest& guest) {
               xen::GrantQuerySize request{guest.self_or_any(), 0, 0, 0, {}, 0};
               return grant_status(guest, QuerySize, request);
           }},
    Action{"grant: set_version", 1,
           [](Guest& guest) {
               xen::GrantSetVersion request{guest.below(3)};
               return grant(guest, SetVersion, request);
           }},
    Action{"grant: get_version", 1,
           [](Guest& guest) {
               xen::GrantGetVersion request{guest.self_or_any(), 0, 0};
               return grant(guest, GetVersion, request);
           }},
    Action{"grant: swap", 1,
           [](Guest& guest) {
               xen::GrantSwap request{guest.below(entries), guest.below(entries), {}, 0};
               return grant_status(guest, SwapGrantRef, request);
           }},
};

}

void Guest::unmap_all()
{
    for (MappedGrant const& one : mapped) static_cast<void>(unmap_handle(*this, one));
    mapped.clear();
}

std::span<Action const> grant_actions() { return actions; }

}
