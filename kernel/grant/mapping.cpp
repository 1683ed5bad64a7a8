// SPDX-License-Identifier: MIT
/// The mapper's side: granted pages in its physmap.
#include <algorithm>

#include "kernel/domain/domain.hpp"
#include "kernel/grant/unmap_batch.hpp"
#include "kernel/lib/scope.hpp"

namespace hospes {

namespace {

constexpr MappingType mapping_type(bool writable)
{
    return writable ? MappingType::GrantWritable : MappingType::GrantReadOnly;
}

}

Granted<MappedGrant> GrantTable::map(Domain& granter, xen::GrantReference reference, bool writable, Gfn where)
{
    auto const handle = maptrack_.lock()->take(handle_limit_of(domain_.configuration()), domain_.quota);
    if (!handle) return refuse(xen::GrantStatus::NoDeviceSpace);
    ScopeExit give_back{[&] { maptrack_.lock()->give_back(*handle); }};

    auto page = GrantedPage::open(granter, reference, domain_, writable);
    if (!page) return refuse(page.error());
    Hfn const frame = page->frame();
    if (!domain_.physmap.add(where, page->take_frame(), mapping_type(writable)))
        return refuse(xen::GrantStatus::GeneralError);

    page->leave_in_use();
    granter.hold();
    give_back.dismiss();
    maptrack_.lock()->record(
        *handle, {.granter = &granter, .where = where, .frame = frame, .reference = reference, .writable = writable});
    return MappedGrant{*handle, frame};
}

std::optional<ShownMapping> GrantTable::mapping(u32 before)
{
    constexpr u32 most_handles = 1000; // handles that came back go out first, so that most are small
    auto held = maptrack_.lock();
    auto const handle = held->mapped_after(before, most_handles);
    if (!handle) return std::nullopt;
    GrantMapping const& found = held->look(*handle);
    return ShownMapping{*handle, found.reference, found.granter->id(), found.where, found.writable};
}

xen::GrantStatus UnmapBatch::add(xen::GrantHandle handle, std::optional<Gfn> where)
{
    Waiting waiting{.handle = handle, .mapping = {}};
    auto& maptrack = mapper_.grants.maptrack_;
    {
        auto held = maptrack.lock();
        GrantMapping* const claimed = held->claim(handle);
        if (!claimed) return xen::GrantStatus::BadHandle;
        waiting.mapping = *claimed;
        if (where && *where != claimed->where) {
            held->record(handle, waiting.mapping);
            return xen::GrantStatus::GeneralError;
        }
    }
    GrantMapping const& mapping = waiting.mapping;
    auto const removed =
        mapper_.physmap.remove_exactly(mapping.where, mapping.frame, mapping_type(mapping.writable), retired_);
    // Devices may still reach it: the use goes on. That it is not there any more cannot be, since a grant mapping goes
    // by its handle only; the use would end all the same, for the granter's sake.
    if (!removed && removed.error() != Error::NotFound) {
        maptrack.lock()->record(handle, mapping);
        return xen::GrantStatus::GeneralError;
    }
    static_cast<void>(waiting_.push_back(waiting));
    return xen::GrantStatus::Okay;
}

void UnmapBatch::finish()
{
    retired_.finish();
    for (auto const& [handle, mapping] : waiting_) {
        mapping.granter->grants.end_use(mapping.reference, mapping.writable);
        mapper_.grants.maptrack_.lock()->give_back(handle);
        mapping.granter->release();
    }
    waiting_.clear();
}

bool GrantTable::release_mappings(Budget& budget)
{
    u32 const issued = maptrack_.lock()->issued();
    UnmapBatch batch{domain_};
    while (released_ < issued) {
        static_cast<void>(batch.add(released_++, std::nullopt));
        if (batch.full()) batch.finish();
        if (budget.is_spent()) return false;
    }
    batch.finish();
    while (maptrack_.lock()->free_page())
        if (budget.is_spent()) return false;
    return true;
}

}
