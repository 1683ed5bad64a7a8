// SPDX-License-Identifier: MIT
/// What guests may see of the host's CPUID: feature by feature, with what each of them needs to be of use.
#include "arch/x86_64/cpuid/cpuid_policy.hpp"

#include <algorithm>

#include "arch/x86_64/cpu/control_registers.hpp"

namespace hospes::arch {

namespace {

/// Where each word of the feature set lives.
struct WordPlace {
    CpuidLeaf* (*leaf)(CpuidPolicy&);
    u32 CpuidLeaf::* word;
};
constexpr std::array<WordPlace, feature_word_count> word_places{{
    {[](CpuidPolicy& p) { return &p.basic[1]; }, &CpuidLeaf::edx},
    {[](CpuidPolicy& p) { return &p.basic[1]; }, &CpuidLeaf::ecx},
    {[](CpuidPolicy& p) { return &p.extended[1]; }, &CpuidLeaf::edx},
    {[](CpuidPolicy& p) { return &p.extended[1]; }, &CpuidLeaf::ecx},
    {[](CpuidPolicy& p) { return &p.xstate[1]; }, &CpuidLeaf::eax},
    {[](CpuidPolicy& p) { return &p.features[0]; }, &CpuidLeaf::ebx},
    {[](CpuidPolicy& p) { return &p.features[0]; }, &CpuidLeaf::ecx},
    {[](CpuidPolicy& p) { return &p.extended[7]; }, &CpuidLeaf::edx},
    {[](CpuidPolicy& p) { return &p.extended[8]; }, &CpuidLeaf::ebx},
    {[](CpuidPolicy& p) { return &p.features[0]; }, &CpuidLeaf::edx},
    {[](CpuidPolicy& p) { return &p.features[1]; }, &CpuidLeaf::eax},
    {[](CpuidPolicy& p) { return &p.extended[0x21]; }, &CpuidLeaf::eax},
    {[](CpuidPolicy& p) { return &p.features[1]; }, &CpuidLeaf::ebx},
    {[](CpuidPolicy& p) { return &p.features[2]; }, &CpuidLeaf::edx},
    {[](CpuidPolicy& p) { return &p.features[1]; }, &CpuidLeaf::ecx},
    {[](CpuidPolicy& p) { return &p.features[1]; }, &CpuidLeaf::edx},
    {nullptr, nullptr}, // ArchCapabilities is an MSR
    {nullptr, nullptr},
    {[](CpuidPolicy& p) { return &p.extended[0x21]; }, &CpuidLeaf::ecx},
}};

/// Extended leaf 1 EDX repeats these bits of leaf 1 EDX on AMD. (APM vol. 3, E.4.2)
constexpr u32 repeated_bits = 0x0183'f3ff;

/// XSAVE components and the features they belong to. (SDM vol. 1, 13.1)
struct XstateRule {
    u64 components;
    FeatureBit feature;
};
constexpr auto xstate_rules = std::to_array<XstateRule>({
    {Xcr0::Avx::mask, feature("avx")},
    {Xcr0::OpMask::mask | Xcr0::ZmmHigh256::mask | Xcr0::ZmmHigh16::mask, feature("avx512f")},
    {Xcr0::ProtectionKeys::mask, feature("pku")},
});
constexpr u64 xstate_always = Xcr0::X87::mask | Xcr0::Sse::mask;

/// Leaf D, made to fit the features and the maximum's components.
void rebuild_xstate(CpuidPolicy& policy, CpuidPolicy const& maximum)
{
    u32 const features = policy.xstate[1].eax;
    policy.xstate = {};
    if (!policy.has(feature("xsave"))) return;
    u64 mask = xstate_always;
    for (XstateRule const& rule : xstate_rules)
        if (policy.has(rule.feature)) mask |= rule.components;
    mask &= maximum.xcr0_mask();
    for (u32 i = 2; i < CpuidPolicy::xstate_subleaves; ++i)
        if ((mask >> i & 1) != 0) policy.xstate[i] = maximum.xstate[i];
    u32 const size = xsave_area_size(policy, mask);
    policy.xstate[0] = {static_cast<u32>(mask), size, size, static_cast<u32>(mask >> 32)};
    policy.xstate[1] = {features, 0, 0, 0};
}

/// Leaves in which the host's topology, power management or performance counters show.
void hide_host_details(CpuidPolicy& policy)
{
    constexpr u32 only_cache_type = 0x3fff; // leaf 4 EAX: no sharing, one core
    constexpr u32 only_brand_and_line = 0x0000'ffff;
    policy.basic[1].ebx &= only_brand_and_line;
    for (CpuidLeaf& leaf : policy.cache) leaf.eax &= only_cache_type;
    for (u32 hidden : {3U, 5U, 6U, 8U, 9U, 0xaU, 0xcU}) policy.basic[hidden] = {};
    policy.topology = {};
    constexpr u32 address_sizes = 0xffff;
    policy.extended[8].eax &= address_sizes;
    policy.extended[8].ecx = 0;
    policy.extended[8].edx = 0;
    policy.extended[7] = {0, 0, 0, policy.extended[7].edx};
    for (u32 hidden = 9; hidden < CpuidPolicy::extended_leaves; ++hidden)
        if (hidden != 0x19 && hidden != 0x21) policy.extended[hidden] = {};
    policy.extended[0x21] = {policy.extended[0x21].eax, 0, policy.extended[0x21].ecx, 0};
    policy.platform_info = 0;
    policy.arch_capabilities = 0;
}

FeatureSet masked(FeatureSet set, FeatureSet const& mask)
{
    for (size_t i = 0; i < set.size(); ++i) set[i] &= mask[i];
    return set;
}

FeatureSet joined(FeatureSet set, FeatureSet const& more)
{
    for (size_t i = 0; i < set.size(); ++i) set[i] |= more[i];
    return set;
}

/// A feature that cannot be used without another one: software that finds it does not ask for the other.
struct Dependence {
    std::string_view feature, needs;
};
/// What is needed stands before what needs it. (SDM vol. 1, 13.2, 14.3 and 15.2: AVX state is XSAVE's; APM vol. 4, 1.3)
constexpr auto dependences = std::to_array<Dependence>({
    {"xsaveopt", "xsave"},
    {"xsavec", "xsave"},
    {"xgetbv1", "xsave"},
    {"pku", "xsave"},
    {"avx", "xsave"},
    {"avx2", "avx"},
    {"fma", "avx"},
    {"f16c", "avx"},
    {"xop", "avx"},
    {"fma4", "avx"},
    {"vaes", "avx"},
    {"vpclmulqdq", "avx"},
    {"avx-vnni", "avx2"},
    {"avx512f", "avx2"},
    {"avx512dq", "avx512f"},
    {"avx512-ifma", "avx512f"},
    {"avx512pf", "avx512f"},
    {"avx512er", "avx512f"},
    {"avx512cd", "avx512f"},
    {"avx512bw", "avx512f"},
    {"avx512vl", "avx512f"},
    {"avx512-vbmi", "avx512f"},
    {"avx512-vbmi2", "avx512f"},
    {"avx512-vnni", "avx512f"},
    {"avx512-bitalg", "avx512f"},
    {"avx512-vpopcntdq", "avx512f"},
    {"avx512-4vnniw", "avx512f"},
    {"avx512-4fmaps", "avx512f"},
    {"avx512-bf16", "avx512f"},
    {"avx512-vp2intersect", "avx512f"},
});

constexpr auto dependent_bits = [] consteval {
    std::array<std::pair<FeatureBit, FeatureBit>, dependences.size()> bits{};
    for (size_t i = 0; i < bits.size(); ++i) bits[i] = {feature(dependences[i].feature), feature(dependences[i].needs)};
    return bits;
}();

/// `set` without the features that need one it lacks.
FeatureSet usable(FeatureSet set)
{
    for (auto const& [dependent, needed] : dependent_bits)
        if (!has(set, needed)) word_of(set, dependent.word) &= ~dependent.mask;
    return set;
}

/// AMD repeats leaf 1's EDX in the extended leaf; Intel leaves those bits 0.
void repeat_basic_features(CpuidPolicy& policy, bool repeats)
{
    u32& edx = policy.extended[1].edx;
    edx = (edx & ~repeated_bits) | (repeats ? policy.basic[1].edx & repeated_bits : 0);
}

bool repeats_basic_features(CpuidPolicy const& policy) { return (policy.extended[1].edx & repeated_bits) != 0; }

}

FeatureSet CpuidPolicy::feature_set() const
{
    FeatureSet set{};
    auto& self = const_cast<CpuidPolicy&>(*this); // the places are pointers, only read here
    for (size_t i = 0; i < set.size(); ++i)
        if (word_places[i].leaf) set[i] = word_places[i].leaf(self)->*word_places[i].word;
    word_of(set, FeatureWord::ArchCapabilitiesLow) = static_cast<u32>(arch_capabilities);
    word_of(set, FeatureWord::ArchCapabilitiesHigh) = static_cast<u32>(arch_capabilities >> 32);
    return set;
}

void CpuidPolicy::set_features(FeatureSet const& set)
{
    for (size_t i = 0; i < set.size(); ++i)
        if (word_places[i].leaf) word_places[i].leaf(*this)->*word_places[i].word = set[i];
    arch_capabilities = u64{set[static_cast<size_t>(FeatureWord::ArchCapabilitiesHigh)]} << 32 |
                        set[static_cast<size_t>(FeatureWord::ArchCapabilitiesLow)];
}

u32 xsave_area_size(CpuidPolicy const& policy, u64 components)
{
    u32 size = xsave_header_end;
    for (u32 i = 2; i < CpuidPolicy::xstate_subleaves; ++i)
        if ((components >> i & 1) != 0) size = std::max(size, policy.xstate[i].eax + policy.xstate[i].ebx);
    return size;
}

CpuidPolicy read_policy(CpuidSource source)
{
    CpuidPolicy policy;
    auto const read_all = [source](auto& leaves, u32 leaf) {
        for (u32 i = 0; i < leaves.size(); ++i) leaves[i] = read_existing_leaf(source, leaf, i);
    };
    for (u32 leaf = 0; leaf < CpuidPolicy::basic_leaves; ++leaf)
        if (leaf != 4 && leaf != 7 && leaf != 0xb && leaf != 0xd) policy.basic[leaf] = read_existing_leaf(source, leaf);
    read_all(policy.cache, 4);
    read_all(policy.features, 7);
    read_all(policy.topology, 0xb);
    read_all(policy.xstate, 0xd);
    for (u32 i = 0; i < CpuidPolicy::extended_leaves; ++i)
        policy.extended[i] = read_existing_leaf(source, cpuid_extended_base + i);
    for (u32 i = policy.features[0].eax + 1; i < CpuidPolicy::feature_subleaves; ++i) policy.features[i] = {};
    return policy;
}

CpuidPolicy maximum_policy(CpuidPolicy const& host)
{
    constexpr FeatureSet allowed = features_exposed(Exposure::Default, Exposure::OnRequest);
    constexpr FeatureSet synthetic = features_exposed(Exposure::Synthetic);
    bool const repeats = repeats_basic_features(host);

    CpuidPolicy policy = host;
    hide_host_details(policy);
    policy.set_features(usable(joined(masked(host.feature_set(), allowed), synthetic)));
    repeat_basic_features(policy, repeats);
    policy.basic[0].eax = std::min(host.basic[0].eax, CpuidPolicy::basic_leaves - 1);
    policy.features[0].eax = std::min(host.features[0].eax, CpuidPolicy::feature_subleaves - 1);
    policy.extended[0].eax = std::min(host.extended[0].eax, cpuid_extended_base + CpuidPolicy::extended_leaves - 1);
    rebuild_xstate(policy, host);
    return policy;
}

CpuidPolicy default_policy(CpuidPolicy const& maximum, bool control_domain)
{
    CpuidPolicy policy = maximum;
    FeatureSet on_request = features_exposed(Exposure::OnRequest);
    constexpr FeatureBit invariant_tsc = feature("itsc");
    if (control_domain) word_of(on_request, invariant_tsc.word) &= ~invariant_tsc.mask;
    FeatureSet set = policy.feature_set();
    for (size_t i = 0; i < set.size(); ++i) set[i] &= ~on_request[i];
    policy.set_features(set);
    rebuild_xstate(policy, maximum);
    return policy;
}

void constrain(CpuidPolicy& policy, CpuidPolicy const& maximum)
{
    constexpr FeatureSet synthetic = features_exposed(Exposure::Synthetic);
    policy.set_features(usable(joined(masked(policy.feature_set(), maximum.feature_set()), synthetic)));
    repeat_basic_features(policy, repeats_basic_features(maximum));
    for (u32 hidden : {3U, 5U, 6U, 9U, 0xaU}) policy.basic[hidden] = {};
    policy.extended[0xa] = {};
    policy.platform_info &= maximum.platform_info;
    policy.arch_capabilities &= maximum.arch_capabilities;
    constexpr u32 physical_bits = 0xff;
    u32 const own = policy.extended[8].eax & physical_bits;
    u32 const most = maximum.extended[8].eax & physical_bits;
    policy.extended[8].eax = (maximum.extended[8].eax & ~physical_bits) | (own == 0 ? most : std::min(own, most));
    rebuild_xstate(policy, maximum);
}

}
