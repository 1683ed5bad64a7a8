// SPDX-License-Identifier: MIT
/// Memory for one guest-physical extent that is too large to be zeroed in one bounded slice: it is made out of
/// everybody's sight, slice by slice, and handed over when all of it is zero.
#pragma once

#include <optional>

#include "kernel/lib/address.hpp"
#include "kernel/lib/error.hpp"
#include "kernel/mm/quota.hpp"

namespace hospes {

class LargeExtent {
public:
    /// What one slice zeroes.
    static constexpr u64 frames_per_slice = 1024;

    LargeExtent() = default;
    LargeExtent(LargeExtent const&) = delete;
    LargeExtent& operator=(LargeExtent const&) = delete;
    /// Gives back what nobody came for.
    ~LargeExtent();

    /// Frames, and what their domain is charged for them.
    struct Charged {
        Hfn first;
        Charge charge;
    };
    /// One slice of work on 2^order frames for `where`, charged as RAM to `quota` from the first slice on; on success
    /// they are the caller's. Errors: Restart, there is more to do; OutOfMemory; Busy while another extent is being
    /// made. Takes LockRank::FrameAllocator.
    [[nodiscard]] Expected<Charged> prepare(Quota& quota, Gfn where, unsigned order);

private:
    struct Work {
        Gfn where;
        unsigned order;
        Charged frames;
        u64 zeroed = 0; ///< frames
    };
    std::optional<Work> work_;
};

}
