// SPDX-License-Identifier: MIT
/// Registers in mapped memory, and how long a unit is waited for.
#include "drivers/iommu/registers.hpp"

#include "kernel/time/clock.hpp"

namespace hospes::iommu {

namespace {

/// Far above what a healthy unit needs, even one that waits for a slow device's reads to drain.
constexpr Nanoseconds patience = nanoseconds_per_second;

}

u64 MappedRegisters::now() const { return clock::now(); }
bool MappedRegisters::is_too_long_since(u64 started) const { return clock::now() - started > patience; }

}
