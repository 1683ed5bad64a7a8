// SPDX-License-Identifier: MIT
/// The console's lock (LockRank::Console). A class of its own because a panic must get through it:
/// once broken, whoever waits too long goes on without it.
#pragma once

#include <atomic>

#include "kernel/arch/cpu.hpp"

namespace hospes {

class ConsoleLock {
public:
    void lock()
    {
        constexpr u64 patience = 50'000'000;
        for (u64 spins = 0; taken_.exchange(true, std::memory_order_acquire); ++spins) {
            if (broken_.load(std::memory_order_relaxed) && spins > patience) return;
            arch::spin_hint();
        }
    }
    void unlock() { taken_.store(false, std::memory_order_release); }
    void break_open() { broken_.store(true, std::memory_order_relaxed); }

private:
    std::atomic<bool> taken_{false};
    std::atomic<bool> broken_{false};
};

}
