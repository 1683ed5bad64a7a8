// SPDX-License-Identifier: MIT
/// Between our policies and the toolstack's lists: writing them in Xen's order, merging in what comes back.
#include "arch/x86_64/cpuid/cpuid_policy_wire.hpp"

#include "kernel/abi/xen/cpuid.hpp"

#include <algorithm>
#include <bit>

namespace hospes::arch {

namespace {

constexpr u32 viridian_leaf = xen::cpuid_first_leaf + 0x100;
constexpr u32 platform_info_msr = 0xce;
constexpr u32 arch_capabilities_msr = 0x10a;

/// Appends leaves, and notices when there is no more room.
class Writer {
public:
    explicit Writer(std::span<xen::CpuidLeaf> out) : out_{out} {}
    void put(u32 leaf, u32 subleaf, CpuidLeaf const& value)
    {
        if (count_ < out_.size()) out_[count_] = {leaf, subleaf, value.eax, value.ebx, value.ecx, value.edx};
        ++count_;
    }
    [[nodiscard]] Expected<u32> result() const
    {
        if (count_ > out_.size()) return failure(Error::NoBufferSpace);
        return static_cast<u32>(count_);
    }

private:
    std::span<xen::CpuidLeaf> out_;
    size_t count_ = 0;
};

/// Leaf 4 and B: until a subleaf of type 0, which is included.
template <size_t count>
void put_until_last(Writer& writer, u32 leaf, std::array<CpuidLeaf, count> const& subleaves,
                    u32 (*type)(CpuidLeaf const&))
{
    for (u32 i = 0; i < count; ++i) {
        writer.put(leaf, i, subleaves[i]);
        if (type(subleaves[i]) == 0) return;
    }
}

/// Leaf D: up to the last component. Gaps are included: the toolstack counts so, and fails if its count is higher.
void put_xstate(Writer& writer, CpuidPolicy const& policy)
{
    writer.put(0xd, 0, policy.xstate[0]);
    writer.put(0xd, 1, policy.xstate[1]);
    u64 const components = policy.xcr0_mask() | u64{policy.xstate[1].edx} << 32 | policy.xstate[1].ecx;
    for (u32 i = 2; i < CpuidPolicy::xstate_subleaves && components >> i != 0; ++i)
        writer.put(0xd, i, policy.xstate[i]);
}

void put_basic(Writer& writer, CpuidPolicy const& policy, u32 leaf)
{
    switch (leaf) {
    case 4: return put_until_last(writer, leaf, policy.cache, [](CpuidLeaf const& l) { return l.eax & 0x1f; });
    case 0xb:
        return put_until_last(writer, leaf, policy.topology, [](CpuidLeaf const& l) { return l.ecx >> 8 & 0xff; });
    case 0xd: return put_xstate(writer, policy);
    case 7: {
        u32 const last = std::min(policy.features[0].eax, CpuidPolicy::feature_subleaves - 1);
        for (u32 i = 0; i <= last; ++i) writer.put(leaf, i, policy.features[i]);
        return;
    }
    default: return writer.put(leaf, xen::cpuid_no_subleaf, policy.basic[leaf]);
    }
}

/// Where a leaf of the list belongs, or null.
CpuidLeaf* place_of(CpuidPolicy& policy, u32 leaf, u32 subleaf)
{
    auto const sub = [subleaf](auto& leaves) { return subleaf < leaves.size() ? &leaves[subleaf] : nullptr; };
    switch (leaf) {
    case 4: return sub(policy.cache);
    case 7: return sub(policy.features);
    case 0xb: return sub(policy.topology);
    case 0xd: return sub(policy.xstate);
    default: break;
    }
    if (subleaf != xen::cpuid_no_subleaf) return nullptr;
    if (leaf < CpuidPolicy::basic_leaves) return &policy.basic[leaf];
    if (leaf >= cpuid_extended_base && leaf - cpuid_extended_base < CpuidPolicy::extended_leaves)
        return &policy.extended[leaf - cpuid_extended_base];
    return nullptr;
}

}

Expected<u32> write_leaves(CpuidPolicy const& policy, std::span<xen::CpuidLeaf> out)
{
    Writer writer{out};
    u32 const last = std::min(policy.basic[0].eax, CpuidPolicy::basic_leaves - 1);
    for (u32 leaf = 0; leaf <= last; ++leaf) put_basic(writer, policy, leaf);
    writer.put(xen::cpuid_first_leaf, xen::cpuid_no_subleaf, {policy.hypervisor_limit, 0, 0, 0});
    writer.put(viridian_leaf, xen::cpuid_no_subleaf, {policy.viridian_limit, 0, 0, 0});
    u32 const last_extended = std::min(policy.extended[0].eax & 0xffff, CpuidPolicy::extended_leaves - 1);
    for (u32 i = 0; i <= last_extended; ++i)
        writer.put(cpuid_extended_base + i, xen::cpuid_no_subleaf, policy.extended[i]);
    return writer.result();
}

Expected<u32> write_msrs(CpuidPolicy const& policy, std::span<xen::MsrEntry> out)
{
    if (out.size() < max_policy_msrs) return failure(Error::NoBufferSpace);
    out[0] = {platform_info_msr, 0, policy.platform_info};
    out[1] = {arch_capabilities_msr, 0, policy.arch_capabilities};
    return max_policy_msrs;
}

Expected<> merge_leaves(CpuidPolicy& policy, std::span<xen::CpuidLeaf const> leaves, WireError& error)
{
    for (xen::CpuidLeaf const& leaf : leaves) {
        bool const has_no_subleaf = leaf.subleaf == xen::cpuid_no_subleaf;
        if (leaf.leaf == xen::cpuid_first_leaf && has_no_subleaf) {
            policy.hypervisor_limit = leaf.eax;
        } else if (leaf.leaf == viridian_leaf && has_no_subleaf) {
            policy.viridian_limit = leaf.eax;
        } else if (CpuidLeaf* const place = place_of(policy, leaf.leaf, leaf.subleaf)) {
            *place = {leaf.eax, leaf.ebx, leaf.ecx, leaf.edx};
        } else {
            error = {.leaf = leaf.leaf, .subleaf = leaf.subleaf};
            return failure(Error::OutOfRange);
        }
    }
    return {};
}

Expected<> merge_msrs(CpuidPolicy& policy, std::span<xen::MsrEntry const> msrs, WireError& error)
{
    for (xen::MsrEntry const& entry : msrs) {
        if (entry.index == platform_info_msr && entry.flags == 0) {
            policy.platform_info = entry.value;
        } else if (entry.index == arch_capabilities_msr && entry.flags == 0) {
            policy.arch_capabilities = entry.value;
        } else {
            error = {.msr = entry.index};
            return failure(entry.flags != 0 ? Error::Invalid : Error::OutOfRange);
        }
    }
    return {};
}

Expected<> check_compatible(CpuidPolicy const& policy, CpuidPolicy const& maximum, WireError& error)
{
    if (policy.basic[0].eax > maximum.basic[0].eax)
        error = {.leaf = 0};
    else if (policy.features[0].eax > maximum.features[0].eax)
        error = {.leaf = 7, .subleaf = 0};
    else if (policy.extended[0].eax > maximum.extended[0].eax)
        error = {.leaf = cpuid_extended_base};
    else if ((policy.platform_info & ~maximum.platform_info) != 0)
        error = {.msr = platform_info_msr};
    else
        return {};
    return failure(Error::Invalid);
}

}
