// SPDX-License-Identifier: MIT
/// Giving a domain memory, and taking it back.
#include <algorithm>
#include <cstring>

#include "kernel/hypercall/memory/memory_call.hpp"
#include "kernel/mm/frame_allocator.hpp"

namespace hospes::memory {

namespace {

constexpr unsigned order_made_at_once = 4; ///< what is larger is zeroed stretch by stretch
constexpr unsigned large_page_order = 9;

/// The largest extent a caller can have populated. (xen/common/memory.c, max_order: limits by kind of caller.) dom0's
/// own memory lies where its devices look for it, which is seldom free by the gigabyte.
unsigned order_limit(Vcpu const& caller, Domain const& target)
{
    bool const may_be_largest = caller.domain().is_control_domain() && !target.is_control_domain();
    return may_be_largest ? std::max(target.physmap.stage().largest_order(), large_page_order) : large_page_order;
}

/// Progress travels above the command's bits of the first argument, so that is how many extents a call can count.
u64 most_extents(Vcpu const& caller)
{
    u64 const largest_argument = caller.narrow_call ? ~u32{0} : ~u64{0};
    return largest_argument >> xen::memory_command_bits;
}

/// What is too large is not an error: it ends at once, with nothing done; the builder then asks for smaller pieces.
/// (xen/common/memory.c does the same.)
bool is_too_large(Vcpu const& caller, xen::MemoryReservation const& request, unsigned largest_order)
{
    return request.nr_extents > most_extents(caller) || request.extent_order > largest_order;
}

/// Restart while a large extent is in the making; OutOfMemory above the domain's limit, if that holds.
Expected<> populate(Domain& domain, Gfn where, unsigned order, Limit limit, Budget& budget)
{
    if (domain.physmap.lookup(where).type != MappingType::None) return failure(Error::Exists);
    if (order > order_made_at_once) return domain.large_extents.populate(where, order, limit, budget);
    auto charge = Charge::take(domain.quota, AccountKind::Ram, u64{1} << order, limit);
    if (!charge) return failure(charge.error());
    auto const block = frames::allocate_for(domain, where, order);
    if (!block) return failure(block.error());
    std::memset(arch::reach(*block), 0, page_size << order);
    frames::give_to(domain, *block, order, *charge);
    auto const added = domain.physmap.add_ram(where, *block, order);
    if (!added) frames::drop_references(*block, order);
    return added;
}

/// The largest piece of an extent that can be taken out at `where` in one step.
unsigned piece_order(Mapping const& mapping, Gfn where, u64 left)
{
    bool const is_large = mapping.order >= large_page_order && left >= u64{1} << large_page_order;
    return is_large && (where.raw() & ((u64{1} << large_page_order) - 1)) == 0 ? large_page_order : 0;
}

/// Takes frames out from `where` on, until the budget is spent: how many of the `left`. Invalid: not RAM.
Expected<u64> release(Domain& domain, Gfn where, u64 left, Retired& retired, Budget& budget)
{
    for (u64 done = 0;;) {
        unsigned const order = piece_order(domain.physmap.lookup(where + done), where + done, left - done);
        auto const removed = domain.physmap.remove(where + done, order, MappingType::Ram, retired);
        if (!removed) return failure(removed.error());
        if (removed->type == MappingType::None) return failure(Error::Invalid);
        done += u64{1} << order;
        if (done == left || budget.is_spent()) return done;
    }
}

/// What is to be populated on demand is populated at once (design.md D1): all of `maxmem`, where the domain's limit is
/// `memory`. The domain's balloon gives the difference back; from the first unpause on it gets no more than the limit.
/// Nothing if the caller may not ask for it: nobody may for himself. (xen/common/memory.c, populate_physmap.)
std::optional<Limit> limit_for(Vcpu const& caller, Domain const& domain, xen::MemoryReservation const& request)
{
    if ((request.mem_flags & xen::memory_flag::populate_on_demand) == 0) return Limit::Holds;
    bool const may = caller.domain().is_control_domain() && &caller.domain() != &domain;
    return may ? std::optional{Limit::MayBeExceeded} : std::nullopt;
}

}

/// Returns how many extents were populated in all; fewer than asked for when memory, tables or the domain's limit ran
/// out.
Expected<u64> populate_physmap(MemoryCall& call, Domain& domain, xen::MemoryReservation const& request)
{
    if (domain.is_dying()) return failure(Error::Invalid);
    auto const limit = limit_for(call.caller, domain, request);
    if (!limit) return call.start;
    if (is_too_large(call.caller, request, order_limit(call.caller, domain))) return call.start;
    unsigned const order = request.extent_order;

    Budget& budget = call.caller.budget;
    for (u64 i = call.start; i < request.nr_extents; ++i) {
        auto const where = copy_in(call.caller, request.extent_start, i);
        if (!where) return i;
        if ((*where & ((u64{1} << order) - 1)) != 0) return i;
        auto const populated = populate(domain, Gfn{*where}, order, *limit, budget);
        if (!populated) return populated.error() == Error::Restart ? call.restart_at(i) : Expected<u64>{i};
        if (i + 1 < request.nr_extents && budget.is_spent()) return call.restart_at(i + 1);
    }
    return request.nr_extents;
}

/// Returns how many extents were given back. The frames live on for as long as somebody else has them mapped.
/// Progress is counted in frames: an extent may take several stretches.
Expected<u64> decrease_reservation(MemoryCall& call, Domain& domain, xen::MemoryReservation const& request)
{
    unsigned const order = request.extent_order;
    u64 const extent = order <= large_page_order ? u64{1} << order : 1;
    if (is_too_large(call.caller, request, large_page_order) || request.nr_extents > most_extents(call.caller) / extent)
        return call.start / extent;

    Retired retired{domain};
    for (u64 done = call.start; done < request.nr_extents * extent;) {
        u64 const within = done % extent;
        auto const where = copy_in(call.caller, request.extent_start, done / extent);
        if (!where) return done / extent;
        auto const released = release(domain, Gfn{*where} + within, extent - within, retired, call.caller.budget);
        if (!released) return done / extent;
        done += *released;
        if (done < request.nr_extents * extent && call.caller.budget.is_spent()) return call.restart_at(done);
    }
    return request.nr_extents;
}

/// The toolstack announces how much it is about to populate: refused at once when that much is not free, so that a
/// half-built domain is rare. Nothing is set aside.
Expected<> claim_pages(MemoryCall&, xen::MemoryReservation const& request)
{
    if (request.extent_order != 0 || !request.extent_start.is_null()) return failure(Error::Invalid);
    auto const domain = domains::find(request.domain);
    if (!domain) return failure(domain.error());
    if (request.nr_extents > frames::free_count()) return failure(Error::OutOfMemory);
    return {};
}

}
