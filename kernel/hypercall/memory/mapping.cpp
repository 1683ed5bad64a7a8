// SPDX-License-Identifier: MIT
/// Putting pages that are not a domain's own memory into its map: shared info, grant frames, other domains' memory.
#include "kernel/hypercall/memory/memory_call.hpp"

namespace hospes::memory {

namespace {

/// What a domain takes out by naming its place. A grant mapping ends by its handle, a device stays.
constexpr MappingTypes replaceable{MappingType::Ram, MappingType::Foreign, MappingType::Special};

Expected<> map_grant_frame(Domain& domain, u64 index, Gfn where, Budget& budget)
{
    if ((index & xen::map_index_grant_table_status) != 0 || index > ~u32{0}) return failure(Error::Invalid);
    auto frame = domain.grants.shared_frame(static_cast<u32>(index), budget);
    if (!frame) return failure(frame.error());
    return place(domain, where, std::move(*frame), MappingType::Special);
}

/// Maps the frame behind `source_frame` of `source` into the caller's map. A hole is Invalid, never NotFound: that
/// would mean "paged out, try again" to the toolstack (abi.md 3.1, add_to_physmap_batch).
Expected<> map_foreign(Domain& caller, Domain& source, Gfn source_frame, Gfn where)
{
    auto frame = source.physmap.reference_own(source_frame);
    if (!frame) return failure(Error::Invalid);
    return place(caller, where, std::move(*frame).take(), MappingType::Foreign);
}

s32 as_status(Expected<> const& result) { return result ? 0 : -static_cast<s32>(result.error()); }

}

Expected<> place(Domain& domain, Gfn where, FrameReference frame, MappingType type)
{
    Retired retired{domain};
    return domain.physmap.replace(where, std::move(frame), type, replaceable, retired);
}

Expected<> add_to_physmap(MemoryCall& call, Domain& domain, xen::AddToPhysmap const& request)
{
    if (domain.is_dying()) return failure(Error::Invalid);
    switch (static_cast<xen::MapSpace>(request.space)) {
    case xen::MapSpace::SharedInfo:
        if (request.index != 0) return failure(Error::Invalid);
        return domain.map_shared_info(Gfn{request.gfn});
    case xen::MapSpace::GrantTable: return map_grant_frame(domain, request.index, Gfn{request.gfn}, call.caller.budget);
    case xen::MapSpace::Gmfn:
    case xen::MapSpace::GmfnRange:
    case xen::MapSpace::GmfnForeign: return failure(Error::NotImplemented);
    case xen::MapSpace::DeviceMmio:
    default: return failure(Error::Invalid);
    }
}

/// Maps pages of another domain into a domain, one error number for each. Another domain's pages are the control
/// domain's alone, whatever domain they go into.
Expected<> add_to_physmap_batch(MemoryCall& call, Domain& target, xen::AddToPhysmapBatch const& request)
{
    if (static_cast<xen::MapSpace>(request.space) != xen::MapSpace::GmfnForeign) return failure(Error::NotImplemented);
    if (!call.caller.domain().is_control_domain()) return failure(Error::NotPermitted);
    auto const source = domains::find(request.foreign_domain);
    if (!source) return failure(source.error());
    if (&**source == &target) return failure(Error::Invalid);

    for (u64 i = call.start; i < request.size; ++i) {
        auto const index = copy_in(call.caller, request.indexes, i);
        if (!index) return failure(index.error());
        auto const where = copy_in(call.caller, request.gfns, i);
        if (!where) return failure(where.error());
        s32 const status = as_status(map_foreign(target, **source, Gfn{*index}, Gfn{*where}));
        if (auto const copied = copy_out(call.caller, request.errors, status, i); !copied) return copied;
        if (i + 1 < request.size && call.caller.budget.is_spent()) return call.restart_at(i + 1);
    }
    return {};
}

Expected<> remove_from_physmap(MemoryCall&, Domain& domain, xen::RemoveFromPhysmap const& request)
{
    Retired retired{domain};
    auto const removed = domain.physmap.remove(Gfn{request.gfn}, 0, replaceable, retired);
    if (!removed) return failure(removed.error());
    if (removed->type == MappingType::None) return failure(Error::NotFound);
    return {};
}

namespace {

/// How many frames there can be. Only this answer goes into the structure.
Expected<> tell_frame_count(MemoryCall& call, Domain const& source, xen::AcquireResource const& request)
{
    if (request.nr_frames != 0) return failure(Error::Invalid);
    xen::AcquireResource answer = request;
    answer.nr_frames = source.configuration().max_grant_frames;
    return copy_out(call.caller, call.claim<xen::AcquireResource>(), answer);
}

}

/// Maps frames of a domain's grant table into the control domain, which seeds the console's and xenstore's entries.
Expected<> acquire_resource(MemoryCall& call, xen::AcquireResource const& request)
{
    if (request.pad != 0) return failure(Error::Invalid);
    if (!call.caller.domain().is_control_domain()) return failure(Error::NotPermitted);
    auto const source = domains::find(request.domain);
    if (!source) return failure(source.error());
    if (static_cast<xen::ResourceType>(request.type) != xen::ResourceType::GrantTable ||
        request.id != xen::resource_grant_table_shared)
        return failure(Error::NotSupported);
    if (request.frame_list.is_null()) return tell_frame_count(call, **source, request);
    if (request.nr_frames == 0 || request.frame > ~u32{0} - request.nr_frames) return failure(Error::Invalid);
    for (u64 i = call.start; i < request.nr_frames; ++i) {
        auto const where = copy_in(call.caller, request.frame_list, i);
        if (!where) return failure(where.error());
        auto frame = (*source)->grants.shared_frame(static_cast<u32>(request.frame + i), call.caller.budget);
        if (!frame && frame.error() == Error::Restart) return call.restart_at(i);
        if (!frame) return failure(frame.error());
        if (auto const placed = place(call.caller.domain(), Gfn{*where}, std::move(*frame), MappingType::Foreign);
            !placed)
            return placed;
        if (i + 1 < request.nr_frames && call.caller.budget.is_spent()) return call.restart_at(i + 1);
    }
    return {};
}

}
