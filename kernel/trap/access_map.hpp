// SPDX-License-Identifier: MIT
/// Which device model answers which port or guest-physical address: one map for each of the two, in each domain.
#pragma once

#include <array>
#include <atomic>

#include "kernel/lib/error.hpp"
#include "kernel/lib/integers.hpp"
#include "kernel/sync/spinlock.hpp"

namespace hospes {

class Vcpu;

/// A device model. Called on the CPU that runs the vCPU, with no lock held, for any range it was registered for.
class AccessHandler {
public:
    /// `bytes` is 1, 2, 4 or 8 (ports: 1, 2 or 4); an access never spans two pages, but may leave the range at its end.
    [[nodiscard]] virtual u64 read(Vcpu& vcpu, u64 address, unsigned bytes) = 0;
    virtual void write(Vcpu& vcpu, u64 address, unsigned bytes, u64 value) = 0;

protected:
    ~AccessHandler() = default;
};

/// Ranges that do not overlap. Handlers must outlive the map: a lookup may still be using one that was just removed.
/// Readers take no lock: a slot's bounds change only while it has no handler, and the handler is checked again after
/// the bounds were read.
template <size_t capacity>
class AccessMap {
public:
    /// `first`..`last`, both included. Exists if part of it is taken, NoSpace if there is no room.
    [[nodiscard]] Expected<> add(u64 first, u64 last, AccessHandler& handler)
    {
        LockGuard const guard{lock_};
        Slot* free = nullptr;
        for (Slot& slot : slots_) {
            if (!slot.handler.load(std::memory_order_relaxed)) {
                if (!free) free = &slot;
            } else if (slot.first.load(std::memory_order_relaxed) <= last &&
                       first <= slot.last.load(std::memory_order_relaxed)) {
                return failure(Error::Exists);
            }
        }
        if (!free || first > last) return failure(first > last ? Error::Invalid : Error::NoSpace);
        free->first.store(first, std::memory_order_relaxed);
        free->last.store(last, std::memory_order_relaxed);
        free->handler.store(&handler, std::memory_order_release);
        size_t const used = static_cast<size_t>(free - slots_.data()) + 1;
        if (used > used_.load(std::memory_order_relaxed)) used_.store(used, std::memory_order_release);
        return {};
    }

    /// Removes the range that starts at `first`; NotFound if there is none.
    [[nodiscard]] Expected<> remove(u64 first)
    {
        LockGuard const guard{lock_};
        for (Slot& slot : slots_) {
            if (!slot.handler.load(std::memory_order_relaxed) || slot.first.load(std::memory_order_relaxed) != first)
                continue;
            slot.handler.store(nullptr, std::memory_order_release);
            return {};
        }
        return failure(Error::NotFound);
    }

    /// Null if nobody answers.
    [[nodiscard]] AccessHandler* find(u64 address) const
    {
        size_t const used = used_.load(std::memory_order_acquire);
        for (size_t i = 0; i < used; ++i) {
            Slot const& slot = slots_[i];
            AccessHandler* const handler = slot.handler.load(std::memory_order_acquire);
            if (!handler) continue;
            bool const inside = slot.first.load(std::memory_order_relaxed) <= address &&
                                address <= slot.last.load(std::memory_order_relaxed);
            std::atomic_thread_fence(std::memory_order_acquire);
            if (inside && slot.handler.load(std::memory_order_relaxed) == handler) return handler;
        }
        return nullptr;
    }

private:
    struct Slot {
        std::atomic<u64> first{0};
        std::atomic<u64> last{0};
        std::atomic<AccessHandler*> handler{nullptr};
    };
    Spinlock<LockRank::AccessMap> lock_;
    std::array<Slot, capacity> slots_{};
    std::atomic<size_t> used_{0};
};

}
