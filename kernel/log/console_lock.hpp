// SPDX-License-Identifier: MIT
/// The console's lock (LockRank::Console). A class of its own because a panic must get through it: once broken, the
/// CPU that holds it already gets it at once, and another that waits too long goes on without it.
#pragma once

#include <atomic>

#include "kernel/arch/cpu.hpp"

namespace hospes {

class ConsoleLock {
public:
    void lock()
    {
        constexpr u64 patience = 50'000'000;
        unsigned const self = arch::this_cpu();
        for (u64 spins = 0; taken_.exchange(true, std::memory_order_acquire); ++spins) {
            if (broken_.load(std::memory_order_relaxed) && (is_holder(self) || spins > patience)) break;
            arch::spin_hint();
        }
        holder_.store(self, std::memory_order_relaxed);
    }
    void unlock()
    {
        holder_.store(nobody, std::memory_order_relaxed);
        taken_.store(false, std::memory_order_release);
    }

    void break_open() { broken_.store(true, std::memory_order_relaxed); }
    [[nodiscard]] bool is_holder(unsigned cpu) const { return holder_.load(std::memory_order_relaxed) == cpu; }

private:
    static constexpr unsigned nobody = ~0U;

    std::atomic<bool> taken_{false};
    std::atomic<bool> broken_{false};
    std::atomic<unsigned> holder_{nobody};
};

}
