// SPDX-License-Identifier: MIT
/// The answer to one CPUID: the policy's leaf, and what depends on the vCPU.
#include <algorithm>

#include "arch/x86_64/cpu/control_registers.hpp"
#include "arch/x86_64/cpuid/cpuid_policy.hpp"
#include "kernel/abi/xen/cpuid.hpp"
#include "kernel/abi/xen/versions.hpp"
#include "kernel/arch/virtual_cpu.hpp"
#include "kernel/options/command_line.hpp"
#include "kernel/time/tick_scale.hpp"

namespace hospes::arch {

namespace {

template <size_t count>
CpuidLeaf at(std::array<CpuidLeaf, count> const& leaves, u32 index)
{
    return index < count ? leaves[index] : CpuidLeaf{};
}

CpuidLeaf identity_and_features(CpuidPolicy const& policy, CpuidContext const& context)
{
    constexpr u32 os_xsave = 1 << 27;
    CpuidLeaf leaf = policy.basic[1];
    leaf.ebx = (leaf.ebx & 0x00ff'ffff) | apic_id_of_vcpu(context.vcpu) << 24;
    leaf.ecx &= ~os_xsave;
    if (Cr4{context.cr4}.get<Cr4::XsaveEnable>()) leaf.ecx |= os_xsave;
    return leaf;
}

CpuidLeaf more_features(CpuidPolicy const& policy, CpuidContext const& context, u32 subleaf)
{
    constexpr u32 os_protection_keys = 1 << 4;
    CpuidLeaf leaf = at(policy.features, subleaf);
    if (subleaf == 0 && Cr4{context.cr4}.get<Cr4::ProtectionKeys>()) leaf.ecx |= os_protection_keys;
    return leaf;
}

CpuidLeaf topology(CpuidPolicy const& policy, CpuidContext const& context, u32 subleaf)
{
    CpuidLeaf leaf = at(policy.topology, subleaf);
    leaf.ecx = (leaf.ecx & 0xffff'ff00) | (subleaf & 0xff);
    leaf.edx = apic_id_of_vcpu(context.vcpu);
    return leaf;
}

/// The size of an XSAVE area in compacted format: one behind the other, some aligned to 64 bytes. (SDM vol. 1, 13.4.3)
u32 compact_size(CpuidPolicy const& policy, u64 components)
{
    u32 size = xsave_header_end;
    for (u32 i = 2; i < CpuidPolicy::xstate_subleaves; ++i) {
        if ((components >> i & 1) == 0) continue;
        constexpr u32 aligned = 1 << 1; // ECX of the subleaf
        if ((policy.xstate[i].ecx & aligned) != 0) size = (size + 63) & ~63U;
        size += policy.xstate[i].eax;
    }
    return size;
}

CpuidLeaf extended_state(CpuidPolicy const& policy, CpuidContext const& context, u32 subleaf)
{
    CpuidLeaf leaf = at(policy.xstate, subleaf);
    if (policy.xcr0_mask() == 0) return {};
    if (subleaf == 0) leaf.ebx = xsave_area_size(policy, context.xcr0);
    if (subleaf == 1 && (leaf.eax & feature("xsavec").mask) != 0) leaf.ebx = compact_size(policy, context.xcr0);
    return leaf;
}

CpuidLeaf basic(CpuidPolicy const& policy, CpuidContext const& context, u32 leaf, u32 subleaf)
{
    if (leaf > policy.basic[0].eax) return {};
    switch (leaf) {
    case 1: return identity_and_features(policy, context);
    case 4: return at(policy.cache, subleaf);
    case 7: return more_features(policy, context, subleaf);
    case 0xb: return topology(policy, context, subleaf);
    case 0xd: return extended_state(policy, context, subleaf);
    default: return at(policy.basic, leaf);
    }
}

CpuidLeaf hypervisor_time(CpuidContext const& context, u32 subleaf)
{
    constexpr u32 host_tsc_is_safe = 1 << 1;
    constexpr u32 rdtscp = 1 << 2;
    TickScale const scale = context.guest_tsc_khz == 0
                                ? TickScale{}
                                : TickScale::between(u64{context.guest_tsc_khz} * 1000, nanoseconds_per_second);
    switch (subleaf) {
    case 0: return {host_tsc_is_safe | rdtscp, context.guest_tsc_mode, context.guest_tsc_khz, 0};
    case 1:
        return {static_cast<u32>(context.tsc_offset), static_cast<u32>(context.tsc_offset >> 32), scale.mul,
                static_cast<u32>(static_cast<s32>(scale.shift))};
    case 2: return {context.host_tsc_khz, 0, 0, 0};
    default: return {};
    }
}

/// (abi.md 2.1)
CpuidLeaf hypervisor(CpuidPolicy const& policy, CpuidContext const& context, u32 offset, u32 subleaf)
{
    using Offset = xen::CpuidLeafOffset;
    u32 last = xen::cpuid_max_leaves;
    u32 const limit = policy.hypervisor_limit & 0xff;
    if (limit >= 2 && limit < last) last = limit;
    if (offset > last) return {};
    switch (static_cast<Offset>(offset)) {
    case Offset::Signature:
        return {xen::cpuid_first_leaf + last, xen::cpuid_signature_ebx, xen::cpuid_signature_ecx,
                xen::cpuid_signature_edx};
    case Offset::Version: return {xen::version_number(options().toolstack_minor), 0, 0, 0};
    case Offset::Hypercalls: return {1, xen::hypercall_page_msr, 0, 0};
    case Offset::Time: return hypervisor_time(context, subleaf);
    case Offset::Hvm:
        if (subleaf != 0) return {};
        return {xen::cpuid_hvm_flag::iommu_mappings | xen::cpuid_hvm_flag::vcpu_id_present |
                    xen::cpuid_hvm_flag::domain_id_present | xen::cpuid_hvm_flag::upcall_vector,
                context.vcpu, context.domain, 0};
    case Offset::Pv: return {};
    }
    return {};
}

}

CpuidLeaf answer_cpuid(CpuidPolicy const& policy, CpuidContext const& context, u32 leaf, u32 subleaf)
{
    constexpr u32 range_mask = 0xffff'0000;
    if ((leaf & range_mask) == 0) return basic(policy, context, leaf, subleaf);
    if ((leaf & range_mask) == xen::cpuid_first_leaf)
        return hypervisor(policy, context, leaf - xen::cpuid_first_leaf, subleaf);
    if ((leaf & range_mask) == cpuid_extended_base && leaf <= policy.extended[0].eax)
        return at(policy.extended, leaf - cpuid_extended_base);
    return {};
}

}
