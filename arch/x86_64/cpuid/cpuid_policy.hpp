// SPDX-License-Identifier: MIT
/// What CPUID tells guests: the system's policies, a domain's own, and the answer to one query.
///
///     the CPU ─▶ host ─▶ maximum (what the toolstack may grant) ─▶ default (what a new domain has)
#pragma once

#include "arch/x86_64/cpu/cpuid.hpp"
#include "arch/x86_64/cpuid/cpuid_features.hpp"

namespace hospes::arch {

struct CpuidPolicy {
    static constexpr u32 basic_leaves = 0xe;
    static constexpr u32 cache_subleaves = 6;
    static constexpr u32 feature_subleaves = 3;
    static constexpr u32 topology_subleaves = 2;
    static constexpr u32 xstate_subleaves = 63;
    static constexpr u32 extended_leaves = 0x22;

    std::array<CpuidLeaf, basic_leaves> basic{}; ///< leaves 4, 7, B and D are in the arrays below
    std::array<CpuidLeaf, cache_subleaves> cache{};
    std::array<CpuidLeaf, feature_subleaves> features{};
    std::array<CpuidLeaf, topology_subleaves> topology{};
    std::array<CpuidLeaf, xstate_subleaves> xstate{};
    std::array<CpuidLeaf, extended_leaves> extended{};
    u32 hypervisor_limit = 0;  ///< highest Xen leaf to show; 0: all
    u32 viridian_limit = 0;    ///< kept for the toolstack, never shown
    u64 platform_info = 0;     ///< MSR CEh
    u64 arch_capabilities = 0; ///< MSR 10Ah

    [[nodiscard]] FeatureSet feature_set() const;
    void set_features(FeatureSet const& set);
    [[nodiscard]] u64 xcr0_mask() const { return u64{xstate[0].edx} << 32 | xstate[0].eax; }
    [[nodiscard]] bool has(FeatureBit bit) const { return arch::has(feature_set(), bit); }
    constexpr bool operator==(CpuidPolicy const&) const = default;
};

/// Every leaf of `source` that a policy can hold.
[[nodiscard]] CpuidPolicy read_policy(CpuidSource source);
/// The most that any guest may have on this machine.
[[nodiscard]] CpuidPolicy maximum_policy(CpuidPolicy const& host);
/// What a domain starts with. The control domain also gets what would tie a guest to this machine: it never leaves.
[[nodiscard]] CpuidPolicy default_policy(CpuidPolicy const& maximum, bool control_domain);
/// Takes from `policy` what `maximum` does not allow, and makes leaves that depend on others agree with them.
void constrain(CpuidPolicy& policy, CpuidPolicy const& maximum);

/// What an answer depends on besides the policy.
struct CpuidContext {
    u32 vcpu = 0;
    u32 domain = 0;
    u64 cr4 = 0;
    u64 xcr0 = 1;
    u32 guest_tsc_khz = 0;
    u32 host_tsc_khz = 0;
    u32 guest_tsc_mode = 0;
    u64 tsc_offset = 0;
};

/// An XSAVE area holds the legacy region and the header, and behind them the other components. (SDM vol. 1, 13.4)
inline constexpr u32 xsave_header_end = 576;
/// The size of an XSAVE area in standard format for these components.
[[nodiscard]] u32 xsave_area_size(CpuidPolicy const& policy, u64 components);

[[nodiscard]] CpuidLeaf answer_cpuid(CpuidPolicy const& policy, CpuidContext const& context, u32 leaf, u32 subleaf);

/// The machine's policies, made on first use.
struct SystemPolicies {
    CpuidPolicy raw;
    CpuidPolicy host;
    CpuidPolicy maximum;
    CpuidPolicy usual;
};
[[nodiscard]] SystemPolicies const& system_policies();

}
