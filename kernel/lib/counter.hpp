// SPDX-License-Identifier: MIT
/// A number that only one CPU raises and that any CPU may read.
#pragma once

#include <atomic>

#include "kernel/lib/integers.hpp"

namespace hospes {

/// Raising costs one instruction: no other CPU raises the same one, so no locked access is needed.
class Counter {
public:
    void operator++() { value_.store(value() + 1, std::memory_order_relaxed); }
    [[nodiscard]] u64 value() const { return value_.load(std::memory_order_relaxed); }
    /// By any CPU. What is counted at this very moment may bring the old value back.
    void reset() { value_.store(0, std::memory_order_relaxed); }

private:
    std::atomic<u64> value_{0};
};

}
