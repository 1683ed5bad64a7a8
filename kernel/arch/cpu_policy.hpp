// SPDX-License-Identifier: MIT
/// CPU policies (what CPUID and some MSRs tell a guest) in the form the toolstack exchanges. Defined in
/// arch/x86_64/guest.
#pragma once

#include <array>

#include "kernel/abi/xen/cpu_policy.hpp"
#include "kernel/lib/error.hpp"

namespace hospes {
class Domain;
}

namespace hospes::arch {

inline constexpr u32 max_policy_leaves = 120;
inline constexpr u32 max_policy_msrs = 2;
inline constexpr u32 feature_words = 19;

enum class SystemPolicy : u8 { Raw, Host, Maximum, Usual };

/// A policy as lists of leaves and MSRs (abi.md 3.14, "CPU policy wire format").
struct PolicyLists {
    std::array<xen::CpuidLeaf, max_policy_leaves> leaves{};
    std::array<xen::MsrEntry, max_policy_msrs> msrs{};
    u32 leaf_count = 0;
    u32 msr_count = 0;
};

/// What a change stumbled over; all ones where nothing.
struct PolicyComplaint {
    u32 leaf = ~u32{0};
    u32 subleaf = ~u32{0};
    u32 msr = ~u32{0};
};

[[nodiscard]] Expected<> read_system_policy(SystemPolicy which, PolicyLists& out);
[[nodiscard]] Expected<> read_domain_policy(Domain const& domain, PolicyLists& out);
/// Merges `lists` into the domain's policy. Features that the machine lacks are taken out again.
/// Busy once the domain has been started; OutOfRange for a leaf or MSR that no policy has; Invalid for what is beyond
/// the machine and cannot be taken out. `complaint` then names the entry.
[[nodiscard]] Expected<> change_domain_policy(Domain& domain, PolicyLists const& lists, PolicyComplaint& complaint);
[[nodiscard]] std::array<u32, feature_words> system_features(SystemPolicy which);

}
