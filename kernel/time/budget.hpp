// SPDX-License-Identifier: MIT
/// How long the hypervisor works in one stretch, with interrupts off, on behalf of one vCPU.
///
/// Every loop that a guest, or the toolstack, can lengthen takes one step and then asks whether the budget is spent; if
/// it is, the work goes on in the next stretch (mostly Error::Restart: the guest executes the hypercall again, after
/// its interrupts). A loop takes its first step without asking, so it always comes nearer to its end. One hypercall has
/// one budget, whatever it contains: a multicall and the calls in it, a teardown and its parts.
#pragma once

#include "kernel/time/clock.hpp"

namespace hospes {

class Budget {
public:
    /// After this time no further step is begun. What a step takes comes on top: some 10 microseconds at most.
    static constexpr Nanoseconds stretch = 40 * nanoseconds_per_microsecond;

    /// The first question starts the clock: what never asks pays nothing.
    [[nodiscard]] bool is_spent()
    {
        Nanoseconds const now = clock::now();
        if (end_ == 0) end_ = now + stretch;
        return now >= end_;
    }

private:
    Nanoseconds end_ = 0;
};

}
