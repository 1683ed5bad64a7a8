// SPDX-License-Identifier: MIT
/// Which device answers at which port or guest-physical address: one map for each of the two, in each domain.
#pragma once

#include <array>
#include <atomic>

#include "kernel/access/device.hpp"
#include "kernel/lib/error.hpp"
#include "kernel/lib/integers.hpp"
#include "kernel/sync/spinlock.hpp"

namespace hospes {

/// Ranges that do not overlap. Devices must outlive the map: a lookup may still be using one that was just removed.
/// Readers take no lock: a slot's bounds change only while it has no device, and the device is checked again after the
/// bounds were read.
template <size_t capacity>
class AccessMap {
public:
    /// `first`..`last`, both included. Exists if part of it is taken, NoSpace if there is no room.
    [[nodiscard]] Expected<> add(u64 first, u64 last, Device& device)
    {
        LockGuard const guard{lock_};
        Slot* free = nullptr;
        for (Slot& slot : slots_) {
            if (!slot.device.load(std::memory_order_relaxed)) {
                if (!free) free = &slot;
            } else if (slot.first.load(std::memory_order_relaxed) <= last &&
                       first <= slot.last.load(std::memory_order_relaxed)) {
                return failure(Error::Exists);
            }
        }
        if (!free || first > last) return failure(first > last ? Error::Invalid : Error::NoSpace);
        free->first.store(first, std::memory_order_relaxed);
        free->last.store(last, std::memory_order_relaxed);
        free->device.store(&device, std::memory_order_release);
        size_t const used = static_cast<size_t>(free - slots_.data()) + 1;
        if (used > used_.load(std::memory_order_relaxed)) used_.store(used, std::memory_order_release);
        return {};
    }

    /// Removes the range that starts at `first`; NotFound if there is none.
    [[nodiscard]] Expected<> remove(u64 first)
    {
        LockGuard const guard{lock_};
        for (Slot& slot : slots_) {
            if (!slot.device.load(std::memory_order_relaxed) || slot.first.load(std::memory_order_relaxed) != first)
                continue;
            slot.device.store(nullptr, std::memory_order_release);
            return {};
        }
        return failure(Error::NotFound);
    }

    /// Null if nobody answers.
    [[nodiscard]] Device* find(u64 address) const
    {
        size_t const used = used_.load(std::memory_order_acquire);
        for (size_t i = 0; i < used; ++i) {
            Slot const& slot = slots_[i];
            Device* const device = slot.device.load(std::memory_order_acquire);
            if (!device) continue;
            bool const inside = slot.first.load(std::memory_order_relaxed) <= address &&
                                address <= slot.last.load(std::memory_order_relaxed);
            std::atomic_thread_fence(std::memory_order_acquire);
            if (inside && slot.device.load(std::memory_order_relaxed) == device) return device;
        }
        return nullptr;
    }

private:
    struct Slot {
        std::atomic<u64> first{0};
        std::atomic<u64> last{0};
        std::atomic<Device*> device{nullptr};
    };
    Spinlock<LockRank::AccessMap> lock_;
    std::array<Slot, capacity> slots_{};
    std::atomic<size_t> used_{0};
};

}
