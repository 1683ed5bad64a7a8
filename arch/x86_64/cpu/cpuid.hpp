// SPDX-License-Identifier: MIT
/// CPUID, read through a source so that tests can replay another machine's answers.
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes {

struct CpuidLeaf {
    u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
    constexpr bool operator==(CpuidLeaf const&) const = default;
};

enum class CpuidRegister : u8 { Eax, Ebx, Ecx, Edx };

[[nodiscard]] constexpr u32 select(CpuidLeaf const& leaf, CpuidRegister which)
{
    switch (which) {
    case CpuidRegister::Eax: return leaf.eax;
    case CpuidRegister::Ebx: return leaf.ebx;
    case CpuidRegister::Ecx: return leaf.ecx;
    case CpuidRegister::Edx: return leaf.edx;
    }
    return 0;
}

/// Where answers come from: the CPU, or a test's recording.
using CpuidSource = CpuidLeaf (*)(u32 leaf, u32 subleaf);

/// The instruction itself. For a leaf above the highest one, Intel CPUs answer with the highest: ask through a
/// CpuFeatures or compare with highest_leaf() first.
[[nodiscard]] CpuidLeaf read_cpuid(u32 leaf, u32 subleaf = 0);

inline constexpr u32 cpuid_extended_base = 0x8000'0000;

/// The highest leaf of the range that `leaf` is in (basic, or extended from 0x80000000).
[[nodiscard]] u32 highest_leaf(CpuidSource source, u32 leaf);

/// All zeros for leaves that the source does not have.
[[nodiscard]] CpuidLeaf read_existing_leaf(CpuidSource source, u32 leaf, u32 subleaf = 0);

enum class CpuVendor : u8 { Unknown, Intel, Amd };

[[nodiscard]] CpuVendor cpu_vendor(CpuidSource source);

}
