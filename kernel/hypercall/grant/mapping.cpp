// SPDX-License-Identifier: MIT
/// Mapping granted pages, and unmapping them.
#include "kernel/grant/unmap_batch.hpp"
#include "kernel/hypercall/grant/grant_call.hpp"

namespace hospes::grant {

Domain* Granters::find(xen::DomainId id)
{
    if (id == xen::domid_self) id = caller_.id();
    if (last_ && (*last_)->id() == id) return (*last_)->is_dying() ? nullptr : &**last_;
    last_.reset();
    auto found = domains::find(id);
    if (!found) return nullptr;
    last_.emplace(std::move(*found));
    return (*last_)->is_dying() ? nullptr : &**last_;
}

namespace {

/// A page of the caller's guest-physical memory, and nothing else a flag could ask for (abi.md 3.2).
bool is_acceptable(xen::GrantMap const& request)
{
    u32 const kind = request.flags & ~xen::grant_map_flag::readonly;
    return kind == xen::grant_map_flag::host_map && (request.host_address & page_mask) == 0;
}

GrantStatus map_one(Domain& mapper, Granters& granters, xen::GrantMap& request)
{
    if (!is_acceptable(request)) return GrantStatus::GeneralError;
    Domain* const granter = granters.find(request.domain);
    if (!granter) return GrantStatus::BadDomain;
    bool const writable = (request.flags & xen::grant_map_flag::readonly) == 0;
    auto const mapped = mapper.grants.map(*granter, request.reference, writable, frame_of(Gpa{request.host_address}));
    if (!mapped) return mapped.error();
    request.handle = mapped->handle;
    request.device_bus_address = address_of(mapped->frame).raw();
    return GrantStatus::Okay;
}

}

Expected<u64> map(GrantCall& call)
{
    Granters granters{call.domain()};
    return for_each_operation<xen::GrantMap>(
        call, [&](xen::GrantMap& request) { request.status = map_one(call.domain(), granters, request); });
}

Expected<u64> unmap(GrantCall& call)
{
    UnmapBatch batch{call.domain()};
    return for_each_operation<xen::GrantUnmap>(
        call,
        [&](xen::GrantUnmap& request) {
            if (batch.full()) batch.finish();
            bool const is_page = (request.host_address & page_mask) == 0;
            request.status =
                is_page ? batch.add(request.handle, frame_of(Gpa{request.host_address})) : GrantStatus::GeneralError;
        },
        [&] { batch.finish(); });
}

}
