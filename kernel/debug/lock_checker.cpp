// SPDX-License-Identifier: MIT
/// Debug builds (make DEBUG=1) check the order of locks: each CPU remembers what it holds.
#include "kernel/sync/spinlock.hpp"

#ifdef HOSPES_CHECK_LOCKS

#include "kernel/lib/static_vector.hpp"
#include "kernel/log/panic.hpp"

namespace hospes {
namespace {

struct HeldLock {
    LockRank rank{};
    void const* lock = nullptr;
};

/// Only its own CPU looks at it, and no lock is taken by an interrupt that comes while another is held.
constinit PerCpu<StaticVector<HeldLock, 16>> held_locks;

/// Two of these may be held together, in an order of their own (lock_rank.hpp).
bool comes_in_pairs(LockRank rank)
{
    return rank == LockRank::GrantTable || rank == LockRank::EventChannel || rank == LockRank::EventQueue ||
           rank == LockRank::Scheduler;
}

}

void note_lock_taken(LockRank rank, void const* lock)
{
    auto& held = held_locks.mine();
    for (HeldLock const& other : held) {
        if (other.lock == lock) panic("lock {} of rank {} taken twice", lock, rank);
        if (other.rank > rank || (other.rank == rank && !comes_in_pairs(rank)))
            panic("lock of rank {} taken while one of rank {} is held", rank, other.rank);
    }
    if (!held.push_back({rank, lock})) panic("more locks held than there are ranks");
}

void note_lock_released(LockRank, void const* lock)
{
    auto& held = held_locks.mine();
    for (size_t i = held.size(); i-- > 0;)
        if (held[i].lock == lock) return held.erase(i);
    panic("lock {} released that is not held", lock);
}

}

#endif
