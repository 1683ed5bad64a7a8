// SPDX-License-Identifier: MIT
/// The grant table's frames, mapped over pages of the pool as they are needed.

#include "tests/guests/framework/grants.hpp"

#include <atomic>

#include "kernel/lib/address.hpp"
#include "tests/guests/framework/memory.hpp"

namespace hospes::test::grants {
namespace {

constexpr u32 entries_per_frame = page_size / sizeof(xen::GrantEntryV1);
constexpr u32 max_frames = 4;

constinit u8* frames = nullptr;
constinit u32 mapped_frames = 0;
constinit u32 next_reference = xen::grant_reserved_entries;

void map_frame(u32 index)
{
    if (frames == nullptr) frames = allocate_pages(max_frames);
    auto gfn = gfn_of(frames) + index;
    if (index >= max_frames ||
        memory_operation::add_to_physmap(xen::domid_self, xen::MapSpace::GrantTable, index, gfn) != 0) {
        abandon("cannot map the grant table");
    }
}

}

xen::GrantEntryV1& entry(u32 reference)
{
    for (; mapped_frames <= reference / entries_per_frame; ++mapped_frames) map_frame(mapped_frames);
    return reinterpret_cast<xen::GrantEntryV1*>(frames)[reference];
}

u32 grant(u16 domain, u64 gfn, bool readonly)
{
    u32 reference = next_reference++;
    auto& slot = entry(reference);
    slot.domain = domain;
    slot.frame = static_cast<u32>(gfn);
    u16 flags = xen::grant_entry_flag::permit_access;
    if (readonly) flags |= xen::grant_entry_flag::readonly;
    std::atomic_ref<u16>{slot.flags}.store(flags); // last: from here on the other side may use it
    return reference;
}

bool withdraw(u32 reference)
{
    constexpr u16 in_use = xen::grant_entry_flag::reading | xen::grant_entry_flag::writing;
    std::atomic_ref<u16> flags{entry(reference).flags};
    u16 seen = flags.load();
    while ((seen & in_use) == 0) {
        if (flags.compare_exchange_weak(seen, xen::grant_entry_flag::invalid)) return true;
    }
    return false;
}

xen::GrantMap map(u64 guest_physical, u32 flags, u32 reference, u16 domain)
{
    xen::GrantMap request{};
    request.host_address = guest_physical;
    request.flags = flags;
    request.reference = reference;
    request.domain = domain;
    if (operation(xen::GrantTableCommand::MapGrantRef, &request) != 0) request.status = xen::GrantStatus::GeneralError;
    return request;
}

xen::GrantUnmap unmap(u64 guest_physical, u32 handle)
{
    xen::GrantUnmap request{};
    request.host_address = guest_physical;
    request.handle = handle;
    if (operation(xen::GrantTableCommand::UnmapGrantRef, &request) != 0) {
        request.status = xen::GrantStatus::GeneralError;
    }
    return request;
}

}
