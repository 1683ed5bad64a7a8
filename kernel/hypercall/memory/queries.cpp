// SPDX-License-Identifier: MIT
/// Questions about memory, and the memory map that a domain is shown.
#include <algorithm>

#include "kernel/hypercall/memory/memory_call.hpp"
#include "kernel/mm/frame_allocator.hpp"

namespace hospes::memory {

namespace {

constexpr u32 largest_map_accepted = 1024; // E820MAX of the toolstack: above it Invalid, as under Xen

}

Expected<u64> maximum_ram_page(MemoryCall&) { return frames::end_of_memory().raw() - 1; }

Expected<u64> current_reservation(MemoryCall&, Domain& domain, xen::MemoryDomain const&)
{
    return domain.quota.ram.used();
}

Expected<u64> maximum_reservation(MemoryCall&, Domain& domain, xen::MemoryDomain const&)
{
    return domain.quota.ram.limit();
}

Expected<u64> maximum_guest_frame(MemoryCall&, Domain& domain, xen::MemoryDomain const&)
{
    u64 const end = domain.physmap.stage().end().raw();
    return end > 0 ? end - 1 : 0;
}

/// Copies as many entries of the caller's own map as fit, and says how many there are.
Expected<> memory_map(MemoryCall& call, xen::MemoryMap& request)
{
    auto const map = call.caller.domain().control.lock()->memory_map;
    if (map.empty()) return failure(Error::NotImplemented);
    request.nr_entries = std::min(request.nr_entries, static_cast<u32>(map.size()));
    for (u32 i = 0; i < request.nr_entries; ++i)
        if (auto const copied = copy_out(call.caller, request.buffer, map[i], i); !copied) return copied;
    return {};
}

Expected<> set_memory_map(MemoryCall& call, Domain& domain, xen::ForeignMemoryMap const& request)
{
    if (request.map.nr_entries > largest_map_accepted) return failure(Error::Invalid);
    decltype(DomainControl::memory_map) map;
    for (u32 i = 0; i < request.map.nr_entries; ++i) {
        auto const entry = copy_in(call.caller, request.map.buffer, i);
        if (!entry) return failure(entry.error());
        if (!map.push_back(*entry)) return failure(Error::NoSpace);
    }
    domain.control.lock()->memory_map = map;
    return {};
}

/// What is to be populated on demand is populated at once (reservation.cpp), and `xl mem-set` sets a target on every
/// guest: the answer is that all memory is populated.
Expected<> pod_target(MemoryCall&, Domain& domain, xen::PodTarget& request)
{
    request.total_pages = domain.quota.ram.used();
    request.pod_cache_pages = 0;
    request.pod_entries = 0;
    return {};
}

/// No page is ever shared between domains by content.
Expected<u64> shared_page_count(MemoryCall&) { return 0; }

/// No device is ever passed through to a guest, so no guest has to keep a range free for one.
Expected<> reserved_device_memory_map(MemoryCall&, xen::ReservedDeviceMemoryMap& request)
{
    request.nr_entries = 0;
    return {};
}

/// No domain has virtual NUMA nodes. NotSupported is the one answer that lets `xl save` go on (abi.md 3.1).
Expected<> vnuma_info(MemoryCall&, Domain&, xen::MemoryDomain const&) { return failure(Error::NotSupported); }

}
