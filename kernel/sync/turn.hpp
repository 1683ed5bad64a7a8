// SPDX-License-Identifier: MIT
/// Orders operations without anybody waiting: one at a time, and who comes meanwhile is told to come again later.
#pragma once

#include <atomic>
#include <optional>
#include <utility>

namespace hospes {

/// A lock that is only tried. It may be held across accesses to guest memory and for a whole slice of a hypercall,
/// which a Spinlock may not: whoever does not get it returns (Error::Restart) and serves its interrupts first.
class Turn {
public:
    class [[nodiscard]] Held {
    public:
        Held(Held&& other) noexcept : turn_{std::exchange(other.turn_, nullptr)} {}
        Held& operator=(Held&&) = delete;
        ~Held()
        {
            if (turn_) turn_->taken_.store(false, std::memory_order_release);
        }

    private:
        friend class Turn;
        explicit Held(Turn& turn) : turn_{&turn} {}
        Turn* turn_;
    };

    /// Nothing if somebody else has it.
    [[nodiscard]] std::optional<Held> try_take()
    {
        if (taken_.exchange(true, std::memory_order_acquire)) return std::nullopt;
        return Held{*this};
    }

private:
    std::atomic<bool> taken_{false};
};

}
