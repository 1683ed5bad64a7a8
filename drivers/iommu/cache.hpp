// SPDX-License-Identifier: MIT
/// For units that read tables past the CPUs' caches. (security.md: XSA-321, XSA-347)
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes::iommu {

/// Every x86-64 CPU has lines of at least this size; smaller steps only cost time.
inline constexpr u64 cache_line_bytes = 64;

/// Writes what the caches hold of these bytes to memory. (SDM volume 2, CLFLUSH; it is ordered by MFENCE)
inline void write_back(void const* start, u64 bytes)
{
    auto const* const first = static_cast<char const*>(start);
    asm volatile("mfence" : : : "memory");
    for (u64 offset = 0; offset < bytes; offset += cache_line_bytes)
        asm volatile("clflush %0" : : "m"(first[offset]) : "memory");
    asm volatile("clflush %0\n\tmfence" : : "m"(first[bytes - 1]) : "memory");
}

}
