// SPDX-License-Identifier: MIT
/// MSRs are read carefully: an outer hypervisor may announce an extension and lack the registers behind it.
#include "arch/x86_64/cpuid/processor_facts.hpp"

#include <array>
#include <cstring>

#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/cpu/msr.hpp"
#include "kernel/abi/xen/cpuid.hpp"

namespace hospes::arch {
namespace {

/// The upper half of a VMX capability MSR says which controls may be 1. (SDM vol. 3, appendix A.3)
constexpr u32 vmx_processor_controls = 0x482, vmx_secondary_controls = 0x48b, vmx_ept_capabilities = 0x48c;
constexpr u64 secondary_controls_exist = u64{1} << (32 + 31);
constexpr u64 ept_exists = u64{1} << (32 + 1), unrestricted_guest_exists = u64{1} << (32 + 7);
/// Virtualize x2APIC mode, APIC-register virtualization, virtual-interrupt delivery.
constexpr u64 apic_virtualization_exists = u64{1 << 4 | 1 << 8 | 1 << 9} << 32;
constexpr u64 ept_gibibyte_pages = 1 << 17;

[[nodiscard]] u64 read_or_zero(u32 number) { return read_msr_safe(number).value_or(0); }
template <typename Layout>
[[nodiscard]] Layout read_or_zero(Msr<Layout> msr)
{
    return Layout{read_or_zero(msr.number)};
}

void read_svm(verdict::ProcessorFacts& facts)
{
    CpuFeatures const& features = cpu_features();
    facts.locked_by_firmware = read_or_zero(msr::vm_cr).get<VmCr::SvmDisable>();
    facts.nested_paging = features.has(Feature::NestedPaging);
    facts.huge_pages = features.has(Feature::GibibytePages);
    facts.next_rip = features.has(Feature::NextRipSave);
}

void read_vmx(verdict::ProcessorFacts& facts)
{
    facts.locked_by_firmware = is_locked_off(read_or_zero(msr::feature_control));
    u64 const secondary = (read_or_zero(vmx_processor_controls) & secondary_controls_exist) != 0
                              ? read_or_zero(vmx_secondary_controls)
                              : 0;
    facts.nested_paging = (secondary & ept_exists) != 0;
    facts.unrestricted_guest = (secondary & unrestricted_guest_exists) != 0;
    facts.huge_pages = facts.nested_paging && (read_or_zero(vmx_ept_capabilities) & ept_gibibyte_pages) != 0;
    facts.next_rip = true;
    facts.apic_virtualization = (secondary & apic_virtualization_exists) == apic_virtualization_exists;
}

/// The signature lives as long as the system.
[[nodiscard]] std::string_view outer_hypervisor()
{
    static constinit std::array<char, 12> signature{};
    CpuidLeaf const leaf = read_cpuid(xen::cpuid_first_leaf);
    std::memcpy(&signature[0], &leaf.ebx, sizeof(leaf.ebx));
    std::memcpy(&signature[4], &leaf.ecx, sizeof(leaf.ecx));
    std::memcpy(&signature[8], &leaf.edx, sizeof(leaf.edx));
    return {signature.data(), signature.size()};
}

[[nodiscard]] verdict::Vendor vendor()
{
    switch (cpu_vendor([](u32 leaf, u32 subleaf) { return read_cpuid(leaf, subleaf); })) {
    case CpuVendor::Amd: return verdict::Vendor::Amd;
    case CpuVendor::Intel: return verdict::Vendor::Intel;
    case CpuVendor::Unknown: break;
    }
    return verdict::Vendor::Other;
}

}

verdict::ProcessorFacts read_processor_facts()
{
    CpuFeatures const& features = cpu_features();
    verdict::ProcessorFacts facts;
    facts.vendor = vendor();
    facts.has_outer_hypervisor = features.has(Feature::Hypervisor);
    if (facts.has_outer_hypervisor) facts.outer_hypervisor = outer_hypervisor();
    facts.has_extension = features.has(Feature::Svm) || features.has(Feature::Vmx);
    if (features.has(Feature::Svm))
        read_svm(facts);
    else if (features.has(Feature::Vmx))
        read_vmx(facts);
    return facts;
}

}
