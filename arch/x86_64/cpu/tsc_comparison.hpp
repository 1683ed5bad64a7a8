// SPDX-License-Identifier: MIT
/// Do two CPUs' time-stamp counters agree? Both read theirs by turns; if they agree, no reading is below the one
/// before, whichever CPU that came from.
#pragma once

#include <algorithm>
#include <atomic>

#include "kernel/arch/cpu.hpp"

namespace hospes {

class TscComparison {
public:
    /// Before each use, by one of the two.
    void reset()
    {
        participants_.store(0, std::memory_order_relaxed);
        turn_.store(0, std::memory_order_relaxed);
        last_ = 0;
    }

    /// Called by both CPUs. The largest step back that the caller saw, in ticks.
    [[nodiscard]] u64 run()
    {
        unsigned const me = participants_.fetch_add(1);
        u64 worst = 0;
        for (unsigned round = me; round < rounds; round += 2) {
            while (turn_.load(std::memory_order_acquire) != round) arch::spin_hint();
            u64 const now = arch::read_tsc();
            if (now < last_) worst = std::max(worst, last_ - now);
            last_ = now;
            turn_.store(round + 1, std::memory_order_release);
        }
        return worst;
    }

private:
    static constexpr unsigned rounds = 200;
    std::atomic<unsigned> participants_{0};
    std::atomic<unsigned> turn_{0};
    u64 last_ = 0; ///< belongs to the CPU whose turn it is
};

}
