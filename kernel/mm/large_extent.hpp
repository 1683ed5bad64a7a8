// SPDX-License-Identifier: MIT
/// Memory for one guest-physical extent that is too large to be zeroed in one bounded slice: it is made out of
/// everybody's sight, slice by slice, and handed over when all of it is zero.
#pragma once

#include <optional>

#include "kernel/lib/address.hpp"
#include "kernel/lib/error.hpp"

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

    /// One slice of work on 2^order frames for `where`; on success they are the caller's. Errors: Restart, there is
    /// more to do; OutOfMemory; Busy while another extent is being made. Takes LockRank::FrameAllocator.
    [[nodiscard]] Expected<Hfn> prepare(Gfn where, unsigned order);

private:
    struct Work {
        Gfn where;
        unsigned order;
        Hfn first;
        u64 zeroed = 0; ///< frames
    };
    std::optional<Work> work_;
};

}
