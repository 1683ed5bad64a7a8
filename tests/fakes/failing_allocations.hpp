// SPDX-License-Identifier: MIT
/// Allocations that fail when a test says so: frames, and objects of `new (std::nothrow)`, which is how the hypervisor
/// makes all of its own. What tests and libraries allocate by other ways of `new` never fails.
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes::fakes {

/// As long as it lives, the allocation number `first` from now on fails (1 is the next one), and the one number
/// `second` after that; 0: none. One at a time.
class [[nodiscard]] FailingAllocations {
public:
    explicit FailingAllocations(u64 first, u64 second = 0);
    FailingAllocations(FailingAllocations const&) = delete;
    FailingAllocations& operator=(FailingAllocations const&) = delete;
    ~FailingAllocations();

    /// How many of the two have failed.
    [[nodiscard]] u32 failed() const;
};

/// What the process has on its heap. The same before and after, if nothing was lost between.
[[nodiscard]] u64 heap_bytes();

}
