// SPDX-License-Identifier: MIT
/// Zeroing memory stretch by stretch.
#include "kernel/domain/large_extents.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernel/arch/memory.hpp"
#include "kernel/domain/domain.hpp"

namespace hospes {

Expected<> LargeExtents::populate(Gfn where, unsigned order, Limit limit, Budget& budget)
{
    auto const turn = turn_.try_take();
    if (!turn) return failure(Error::Restart);
    // Whoever asked whether the domain is dying may have asked too early; nobody would give this one back.
    if (is_closed_) return failure(Error::Invalid);
    return go_on(work_[order], where, order, limit, budget);
}

Expected<> LargeExtents::go_on(std::optional<Work>& work, Gfn where, unsigned order, Limit limit, Budget& budget)
{
    bool const is_elsewhere = work && domain_.is_control_domain() && work->where != where;
    if (is_elsewhere && !work->failure) work->failure = Error::Restart;
    if (!work) {
        auto begun = begin(where, order, limit);
        if (!begun) return failure(begun.error());
        work.emplace(std::move(*begun));
    }
    if (!work->failure) {
        if (auto const zeroed = zero(*work, order, budget); !zeroed) return zeroed;
        if (auto const added = domain_.physmap.add_ram(where, work->first, order); !added)
            work->failure = added.error();
        else
            return work.reset(), Expected<>{};
    }
    if (!give_back(*work, order, budget)) return failure(Error::Restart);
    Error const why = *work->failure;
    work.reset();
    return failure(why);
}

Expected<LargeExtents::Work> LargeExtents::begin(Gfn where, unsigned order, Limit limit) const
{
    auto charge = Charge::take(domain_.quota, AccountKind::Ram, u64{1} << order, limit);
    if (!charge) return failure(charge.error());
    auto const block = frames::allocate_for(domain_, where, order);
    if (!block) return failure(block.error());
    return Work{where, *block, std::move(*charge)};
}

Expected<> LargeExtents::zero(Work& work, unsigned order, Budget& budget) const
{
    constexpr unsigned step_order = 3;
    while (work.ready < u64{1} << order) {
        Hfn const first = work.first + work.ready;
        std::memset(arch::reach(first), 0, page_size << step_order);
        frames::give_to(domain_, first, step_order, work.charge);
        work.ready += u64{1} << step_order;
        if (budget.is_spent() && work.ready < u64{1} << order) return failure(Error::Restart);
    }
    return {};
}

bool LargeExtents::give_back(Work& work, unsigned order, Budget& budget)
{
    constexpr unsigned piece_order = 3;
    constexpr u64 piece = u64{1} << piece_order;
    while (work.returned < u64{1} << order) {
        Hfn const first = work.first + work.returned;
        if (work.returned < work.ready) {
            frames::drop_references(first, piece_order);
        } else {
            frames::mark_taken(first, piece);
            frames::free(first, piece_order);
        }
        work.returned += piece;
        if (budget.is_spent() && work.returned < u64{1} << order) return false;
    }
    return true;
}

bool LargeExtents::discard(Budget& budget)
{
    auto const turn = turn_.try_take();
    if (!turn) return false;
    is_closed_ = true;
    for (unsigned order = 0; order <= frames::max_order; ++order) {
        auto& work = work_[order];
        if (work && !give_back(*work, order, budget)) return false;
        work.reset();
    }
    return true;
}

}
