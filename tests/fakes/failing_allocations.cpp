// SPDX-License-Identifier: MIT
/// Counts allocations down to the one that fails.
#include "tests/fakes/failing_allocations.hpp"

#include <atomic>

#include <sanitizer/allocator_interface.h>

#include "kernel/mm/allocation_gate.hpp"

namespace hospes {

namespace {

/// Allocations until the next failure; 0: none will come.
std::atomic<u64> until_failure{0};
std::atomic<u64> until_second_failure{0};
std::atomic<u32> failures{0};

}

bool may_allocate()
{
    u64 left = until_failure.load(std::memory_order_relaxed);
    while (left != 0) {
        if (!until_failure.compare_exchange_weak(left, left - 1)) continue;
        if (left != 1) return true;
        ++failures;
        until_failure = until_second_failure.exchange(0);
        return false;
    }
    return true;
}

namespace fakes {

FailingAllocations::FailingAllocations(u64 first, u64 second)
{
    failures = 0;
    until_second_failure = second;
    until_failure = first;
}
FailingAllocations::~FailingAllocations() { until_failure = until_second_failure = 0; }
u32 FailingAllocations::failed() const { return failures; }

u64 heap_bytes() { return __sanitizer_get_current_allocated_bytes(); }

}

}
