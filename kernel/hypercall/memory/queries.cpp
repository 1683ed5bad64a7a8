// SPDX-License-Identifier: MIT
/// Questions about memory, and the memory map that a domain is shown.
#include <algorithm>

#include "kernel/hypercall/memory/memory_call.hpp"
#include "kernel/mm/frame_allocator.hpp"

namespace hospes::memory {

namespace {

constexpr u32 largest_map_accepted = 1024; // E820MAX of the toolstack: above it Invalid, as under Xen

/// Answers a command whose argument names a domain.
template <typename Answer>
Expected<u64> about_domain(MemoryCall& call, Answer answer)
{
    auto const request = copy_in(call.caller, call.claim<xen::MemoryDomain>());
    if (!request) return failure(request.error());
    auto const domain = domains::resolve(call.caller, request->domain);
    if (!domain) return failure(domain.error());
    return answer(**domain);
}

}

Expected<u64> maximum_ram_page(MemoryCall&) { return frames::end_of_memory().raw() - 1; }

Expected<u64> current_reservation(MemoryCall& call)
{
    return about_domain(call, [](Domain& domain) { return domain.quota.ram.used(); });
}

Expected<u64> maximum_reservation(MemoryCall& call)
{
    return about_domain(call, [](Domain& domain) { return domain.quota.ram.limit(); });
}

Expected<u64> maximum_guest_frame(MemoryCall& call)
{
    return about_domain(call, [](Domain& domain) {
        u64 const end = domain.physmap.stage().end().raw();
        return end > 0 ? end - 1 : 0;
    });
}

/// Copies as many entries of the caller's own map as fit, and says how many there are.
Expected<u64> memory_map(MemoryCall& call)
{
    auto request = copy_in(call.caller, call.claim<xen::MemoryMap>());
    if (!request) return failure(request.error());
    auto const map = call.caller.domain().control.lock()->memory_map;
    if (map.empty()) return failure(Error::NotImplemented);
    request->nr_entries = std::min(request->nr_entries, static_cast<u32>(map.size()));
    for (u32 i = 0; i < request->nr_entries; ++i)
        if (auto const copied = copy_out(call.caller, request->buffer, map[i], i); !copied)
            return failure(copied.error());
    if (auto const copied = copy_out(call.caller, call.claim<xen::MemoryMap>(), *request); !copied)
        return failure(copied.error());
    return 0;
}

Expected<u64> set_memory_map(MemoryCall& call)
{
    auto const request = copy_in(call.caller, call.claim<xen::ForeignMemoryMap>());
    if (!request) return failure(request.error());
    auto const domain = domains::resolve(call.caller, request->domain);
    if (!domain) return failure(domain.error());
    if (request->map.nr_entries > largest_map_accepted) return failure(Error::Invalid);
    decltype(DomainControl::memory_map) map;
    for (u32 i = 0; i < request->map.nr_entries; ++i) {
        auto const entry = copy_in(call.caller, request->map.buffer, i);
        if (!entry) return failure(entry.error());
        if (!map.push_back(*entry)) return failure(Error::NoSpace);
    }
    (*domain)->control.lock()->memory_map = map;
    return 0;
}

/// Populate-on-demand does not exist here (design.md D1), but `xl mem-set` sets a target on every guest: the answer is
/// that all memory is populated.
Expected<u64> pod_target(MemoryCall& call)
{
    if (!call.caller.domain().is_control_domain()) return failure(Error::NotPermitted);
    auto request = copy_in(call.caller, call.claim<xen::PodTarget>());
    if (!request) return failure(request.error());
    auto const domain = domains::resolve(call.caller, request->domain);
    if (!domain) return failure(domain.error());
    request->total_pages = (*domain)->quota.ram.used();
    request->pod_cache_pages = 0;
    request->pod_entries = 0;
    if (auto const copied = copy_out(call.caller, call.claim<xen::PodTarget>(), *request); !copied)
        return failure(copied.error());
    return 0;
}

/// No page is ever shared between domains by content.
Expected<u64> shared_page_count(MemoryCall&) { return 0; }

/// No device is ever passed through to a guest, so no guest has to keep a range free for one.
Expected<u64> reserved_device_memory_map(MemoryCall& call)
{
    auto request = copy_in(call.caller, call.claim<xen::ReservedDeviceMemoryMap>());
    if (!request) return failure(request.error());
    request->nr_entries = 0;
    if (auto const copied = copy_out(call.caller, call.claim<xen::ReservedDeviceMemoryMap>(), *request); !copied)
        return failure(copied.error());
    return 0;
}

/// No domain has virtual NUMA nodes. NotSupported is the one answer that lets `xl save` go on (abi.md 3.1).
Expected<u64> vnuma_info(MemoryCall& call)
{
    return about_domain(call, [](Domain&) -> Expected<u64> { return failure(Error::NotSupported); });
}

}
