// SPDX-License-Identifier: MIT
/// The list of domains in order of id, under one lock; whoever finds one holds it.
#include "kernel/domain/domain_list.hpp"

#include "kernel/domain/state_changes.hpp"
#include "kernel/sync/guarded.hpp"

namespace hospes::domains {

namespace {

struct DomainList {
    Domain* first = nullptr; ///< ascending id
    DomainId last_chosen = 0;
    u32 count = 0;

    /// The link that points at the first domain with an id of at least `id`.
    Domain** position(DomainId id)
    {
        Domain** link = &first;
        while (*link && (*link)->id() < id) link = &(*link)->next;
        return link;
    }
};

constinit Guarded<DomainList, LockRank::DomainList> list;
std::atomic<Domain*> the_control_domain{nullptr};

}

Expected<> add(Domain& domain)
{
    auto held = list.lock();
    Domain** const link = held->position(domain.id());
    if (*link && (*link)->id() == domain.id()) return failure(Error::Exists);
    domain.next = *link;
    *link = &domain;
    ++held->count;
    if (domain.is_control_domain()) the_control_domain.store(&domain, std::memory_order_release);
    state_changes::note(domain.id());
    return {};
}

Expected<DomainId> choose_id()
{
    auto held = list.lock();
    DomainId const start = held->last_chosen;
    for (DomainId id = static_cast<DomainId>(start + 1);; ++id) {
        if (id >= xen::domid_first_reserved) id = 1;
        Domain* const found = *held->position(id);
        if (!found || found->id() != id) return held->last_chosen = id;
        if (id == start) return failure(Error::OutOfMemory);
    }
}

Expected<DomainReference> find(DomainId id)
{
    auto held = list.lock();
    Domain* const found = *held->position(id);
    if (!found || found->id() != id || !found->try_hold()) return failure(Error::NoSuchDomain);
    return DomainReference::adopt(*found);
}

Expected<DomainReference> resolve(Vcpu const& caller, DomainId id)
{
    Domain& own = caller.domain();
    if (id == xen::domid_self || id == own.id()) return DomainReference{own};
    if (!own.is_control_domain()) return failure(Error::NotPermitted);
    return find(id);
}

std::optional<DomainReference> at_or_after(DomainId id)
{
    auto held = list.lock();
    for (Domain* found = *held->position(id); found; found = found->next)
        if (found->try_hold()) return DomainReference::adopt(*found);
    return std::nullopt;
}

void remove(Domain& domain)
{
    auto held = list.lock();
    Domain** const link = held->position(domain.id());
    if (control_domain() == &domain) the_control_domain.store(nullptr, std::memory_order_release);
    if (*link != &domain) return;
    *link = domain.next;
    --held->count;
    state_changes::note(domain.id());
}

u32 count() { return list.lock()->count; }

Domain* control_domain() { return the_control_domain.load(std::memory_order_acquire); }

}
