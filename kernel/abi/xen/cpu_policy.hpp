// SPDX-License-Identifier: MIT
/// How CPUID leaves and MSRs travel between toolstack and hypervisor.
/// (xen/include/public/arch-x86/xen.h)
#pragma once

#include <cstddef>

#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// CpuidLeaf::subleaf of a leaf that has none.
inline constexpr u32 cpuid_no_subleaf = 0xFFFF'FFFF;

/// One leaf and its answer.
struct CpuidLeaf {
    u32 leaf;
    u32 subleaf;
    u32 eax;
    u32 ebx;
    u32 ecx;
    u32 edx;
};
static_assert(sizeof(CpuidLeaf) == 24 && has_no_hidden_bytes<CpuidLeaf>);
static_assert(offsetof(CpuidLeaf, subleaf) == 4 && offsetof(CpuidLeaf, eax) == 8 && offsetof(CpuidLeaf, ebx) == 12 &&
              offsetof(CpuidLeaf, ecx) == 16 && offsetof(CpuidLeaf, edx) == 20);

/// One MSR and its value; flags is zero.
struct MsrEntry {
    u32 index;
    u32 flags;
    u64 value;
};
static_assert(sizeof(MsrEntry) == 16 && has_no_hidden_bytes<MsrEntry>);
static_assert(offsetof(MsrEntry, flags) == 4 && offsetof(MsrEntry, value) == 8);

}
