// SPDX-License-Identifier: MIT
/// What the hypervisor remembers of a domain's map for one vCPU: a TLB in software. Its entries are good as long as
/// those of the CPUs' own TLBs, which the domain's translation generation tells (guest_presence.hpp).
#pragma once

#include <array>

#include "kernel/mm/second_stage.hpp"

namespace hospes {

/// A leaf that maps memory, or nothing.
struct CachedLeaf {
    Gfn first{};
    Hfn frame{};        ///< behind `first`
    u64 generation = 0; ///< domains start with 1
    u8 order = 0;
    bool writable = false;

    [[nodiscard]] bool covers(Gfn where, u64 now) const
    {
        return generation == now && (where.raw() ^ first.raw()) >> order == 0;
    }
    [[nodiscard]] Hfn frame_behind(Gfn where) const { return frame + (where.raw() - first.raw()); }
};

class LeafCache {
public:
    /// The only place where `where` can be found. A large leaf may fill several: what counts is that the few tables and
    /// pages that hypercalls go through again and again do not push each other out.
    [[nodiscard]] CachedLeaf& slot(Gfn where) { return leaves_[where.raw() % leaves_.size()]; }

private:
    std::array<CachedLeaf, 16> leaves_{};
};

}
