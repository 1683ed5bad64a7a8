// SPDX-License-Identifier: MIT
/// A bitmap of all domain numbers, without a lock.
#include "kernel/domain/state_changes.hpp"

#include <array>
#include <atomic>
#include <bit>

namespace hospes::state_changes {

namespace {

constexpr size_t bits = 64;
constinit std::array<std::atomic<u64>, (xen::domid_first_reserved + bits - 1) / bits> changed{};

}

void note(xen::DomainId id) { changed[id / bits].fetch_or(u64{1} << id % bits, std::memory_order_release); }

std::optional<xen::DomainId> take()
{
    for (size_t i = 0; i < changed.size(); ++i)
        while (u64 const word = changed[i].load(std::memory_order_relaxed)) {
            u64 const lowest = word & -word;
            if ((changed[i].fetch_and(~lowest, std::memory_order_acquire) & lowest) != 0) // another CPU may be faster
                return static_cast<xen::DomainId>(i * bits + static_cast<size_t>(std::countr_zero(word)));
        }
    return std::nullopt;
}

}
