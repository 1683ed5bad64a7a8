// SPDX-License-Identifier: MIT
/// Ticket spinlock. The hypervisor runs with interrupts disabled, so a lock never needs to disable them.
#pragma once

#include <atomic>

#include "kernel/arch/cpu.hpp"
#include "kernel/sync/lock_rank.hpp"

namespace hospes {

/// Debug-build order checker; empty in release builds. (kernel/debug/lock_checker.cpp)
#ifdef HOSPES_CHECK_LOCKS
void note_lock_taken(LockRank rank, void const* lock);
void note_lock_released(LockRank rank, void const* lock);
#else
inline void note_lock_taken(LockRank, void const*) {}
inline void note_lock_released(LockRank, void const*) {}
#endif

template <LockRank rank>
class Spinlock {
public:
    constexpr Spinlock() = default;
    Spinlock(Spinlock const&) = delete;
    Spinlock& operator=(Spinlock const&) = delete;

    void lock()
    {
        note_lock_taken(rank, this);
        u32 const ticket = next_.fetch_add(1, std::memory_order_relaxed);
        while (serving_.load(std::memory_order_acquire) != ticket) arch::spin_hint();
    }
    void unlock()
    {
        serving_.store(serving_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
        note_lock_released(rank, this);
    }

private:
    std::atomic<u32> next_{0};
    std::atomic<u32> serving_{0};
};

/// Holds a lock for a scope.
template <typename Lock>
class [[nodiscard]] LockGuard {
public:
    explicit LockGuard(Lock& lock) : lock_{lock} { lock_.lock(); }
    ~LockGuard() { lock_.unlock(); }
    LockGuard(LockGuard const&) = delete;
    LockGuard& operator=(LockGuard const&) = delete;

private:
    Lock& lock_;
};

}
