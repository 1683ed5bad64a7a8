// SPDX-License-Identifier: MIT
/// CPU policies as the toolstack sends and receives them: lists of leaves and MSRs (abi.md 3.14).
#pragma once

#include <span>

#include "arch/x86_64/cpuid/cpuid_policy.hpp"
#include "kernel/abi/xen/cpu_policy.hpp"
#include "kernel/arch/cpu_policy.hpp"
#include "kernel/lib/error.hpp"

namespace hospes::arch {

/// Fill `out`; NoBufferSpace if it is too small. The result is the number written.
[[nodiscard]] Expected<u32> write_leaves(CpuidPolicy const& policy, std::span<xen::CpuidLeaf> out);
[[nodiscard]] Expected<u32> write_msrs(CpuidPolicy const& policy, std::span<xen::MsrEntry> out);

/// Which entry was refused; all ones where none.
struct WireError {
    u32 leaf = ~u32{0};
    u32 subleaf = ~u32{0};
    u32 msr = ~u32{0};
};

/// Replace the leaves or MSRs of `policy` that are listed. OutOfRange for one that no policy has, Invalid for an MSR
/// with flags; `policy` may have changed.
[[nodiscard]] Expected<> merge_leaves(CpuidPolicy& policy, std::span<xen::CpuidLeaf const> leaves, WireError& error);
[[nodiscard]] Expected<> merge_msrs(CpuidPolicy& policy, std::span<xen::MsrEntry const> msrs, WireError& error);
/// Is `policy` within what this machine can do, in the fields that are not silently cut? Invalid if not.
[[nodiscard]] Expected<> check_compatible(CpuidPolicy const& policy, CpuidPolicy const& maximum, WireError& error);

}
