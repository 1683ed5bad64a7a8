// SPDX-License-Identifier: MIT
/// RAM that a domain will get in one piece, and that takes too long to be zeroed in one stretch: it is made out of
/// everybody's sight, stretch by stretch, and enters the map when all of it is zero.
///
///     nothing ──▶ being zeroed ──all zero──▶ in the map: nothing is left here
///                      └── the map refuses it ──▶ being given back ──▶ nothing, and the caller gets the error
///
/// There is at most one extent of each size. It belongs to the domain, which is charged for all of it, and not to the
/// call that began it: whoever asks for the same size goes on with it, so that an extent that nobody came back for is
/// not lost. Only for dom0 does its place count, for its frames lie where its devices look.
#pragma once

#include <array>
#include <optional>

#include "kernel/lib/address.hpp"
#include "kernel/lib/error.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "kernel/mm/quota.hpp"
#include "kernel/sync/turn.hpp"
#include "kernel/time/budget.hpp"

namespace hospes {

class Domain;

class LargeExtents {
public:
    explicit LargeExtents(Domain& domain) : domain_{domain} {}
    LargeExtents(LargeExtents const&) = delete;
    LargeExtents& operator=(LargeExtents const&) = delete;

    /// Works on 2^order frames of zeroed RAM for `where` until the budget is spent. Errors: Restart, there is more to
    /// do, or another CPU is at it; OutOfMemory, of the host or the quota; those of Physmap::add_ram(); Invalid once
    /// they are being discarded.
    [[nodiscard]] Expected<> populate(Gfn where, unsigned order, Limit limit, Budget& budget);

    /// Gives back what nobody came for; true when nothing is left. From the first call on nothing can be begun. Part of
    /// a domain's destruction.
    [[nodiscard]] bool discard(Budget& budget);

private:
    struct Work {
        Gfn where;
        Hfn first;
        Charge charge;                  ///< for the frames that are not yet the domain's
        u64 ready = 0;                  ///< frames from the first on that are zero, and the domain's
        u64 returned = 0;               ///< frames from the first on that were given back
        std::optional<Error> failure{}; ///< why they are
    };
    [[nodiscard]] Expected<> go_on(std::optional<Work>& work, Gfn where, unsigned order, Limit limit, Budget& budget);
    [[nodiscard]] Expected<Work> begin(Gfn where, unsigned order, Limit limit) const;
    [[nodiscard]] Expected<> zero(Work& work, unsigned order, Budget& budget) const;
    [[nodiscard]] static bool give_back(Work& work, unsigned order, Budget& budget);

    Domain& domain_;
    Turn turn_; ///< no lock: one that is held so long would keep others from their interrupts
    std::array<std::optional<Work>, frames::max_order + 1> work_{}; ///< by order; for who has the turn
    bool is_closed_ = false;                                        ///< likewise
};

}
