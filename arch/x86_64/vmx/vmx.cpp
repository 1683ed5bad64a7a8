// SPDX-License-Identifier: MIT
/// Switching VMX on for each CPU, with what the firmware permits, and reporting what it offers.
#include "arch/x86_64/vmx/vmx.hpp"

#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/guest/msr_policy.hpp"
#include "arch/x86_64/guest/nested_tables.hpp"
#include "arch/x86_64/virtual_apic/apic_register_rules.hpp"
#include "arch/x86_64/vmx/instructions.hpp"
#include "arch/x86_64/vmx/vmx_vcpu.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/log/log.hpp"
#include "kernel/log/panic.hpp"
#include "kernel/mm/frame_allocator.hpp"

namespace hospes::vmx {

namespace {

PerCpu<Cpu> cpus;
Capabilities found;

constexpr u32 most_vpids = 0xffff;

/// A bit for each MSR: reads of two ranges, then writes of the same. (SDM vol. 3, 25.6.9)
class MsrBitmap {
public:
    constexpr MsrBitmap()
    {
        for (u8& byte : bytes_) byte = 0xff;
        for (u32 msr : arch::pass_through_msrs) {
            allow(msr, reads);
            allow(msr, writes);
        }
    }

    /// What the CPU carries out with the register page: reads of what the page holds, and three writes.
    /// (SDM vol. 3, 30.5)
    constexpr void allow_apic()
    {
        using arch::ApicRegister;
        for (u8 i = 0; i < arch::apic_register_count; ++i)
            if (arch::is_msr_in_page(i)) allow(arch::x2apic_first_msr + i, reads);
        for (ApicRegister const which :
             {ApicRegister::TaskPriority, ApicRegister::EndOfInterrupt, ApicRegister::SelfInterrupt})
            allow(arch::x2apic_first_msr + std::to_underlying(which), writes);
    }

private:
    static constexpr std::array<u32, 2> first_of_range{0, 0xc000'0000};
    static constexpr u32 msrs_in_range = 0x2000;
    static constexpr u32 reads = 0, writes = page_size / 2; ///< byte offsets

    constexpr void allow(u32 msr, u32 access)
    {
        for (u32 range = 0; range < first_of_range.size(); ++range) {
            u32 const index = msr - first_of_range[range];
            if (index >= msrs_in_range) continue;
            bytes_[access + (range * msrs_in_range + index) / 8] &= static_cast<u8>(~(1U << index % 8));
        }
    }
    std::array<u8, page_size> bytes_{};
};
alignas(page_size) constinit MsrBitmap const bitmap;
alignas(page_size) constinit MsrBitmap const bitmap_with_apic = [] {
    MsrBitmap with_apic;
    with_apic.allow_apic();
    return with_apic;
}();

/// Unlocked firmware settings are ours to make; then they are locked, as the guests' own would have to find them.
void permit_vmx()
{
    FeatureControl const value = read(msr::feature_control);
    if (value.get<FeatureControl::Locked>()) return;
    write(msr::feature_control, value.with<FeatureControl::VmxOutsideSmx>(true).with<FeatureControl::Locked>(true));
}

/// VMXON's region: a page that begins with the revision. (SDM vol. 3, 25.11.5)
Hpa revision_page()
{
    auto const frame = frames::allocate_zeroed();
    if (!frame) panic("no memory to enable virtualization on CPU {}", arch::this_cpu());
    *arch::reach_as<u32>(address_of(*frame)) = found.basic.get<Basic::Revision>();
    return address_of(*frame);
}

}

void access_failed(u32 encoding) { panic("VMCS field {:x} cannot be accessed", encoding); }

Cpu& this_cpu() { return cpus.mine(); }
Capabilities const& capabilities() { return found; }
Hpa msr_bitmap() { return arch::physical_address(&bitmap); }
Hpa msr_bitmap_with_apic() { return arch::physical_address(&bitmap_with_apic); }
std::string_view Vmx::missing() { return found.missing; }

Verdict Vmx::start(bool use_apic_virtualization)
{
    if (!cpu_features().has(Feature::Vmx)) return Verdict::Absent;
    if (is_locked_off(read(msr::feature_control))) return Verdict::LockedByFirmware;
    Verdict const verdict = discover(read_msr, found);
    if (verdict != Verdict::Usable) return verdict;
    enable_this_cpu();
    if (found.can_virtualize_apic() && use_apic_virtualization) found.virtualize_apic();
    log_info("VMX: unrestricted guest in use, VPID {}, APIC-register virtualization and virtual-interrupt delivery {}",
             found.uses<SecondaryControls::Vpid>(ControlWord::Secondary) ? "in use" : "absent",
             found.virtualizes_apic()      ? "in use"
             : found.can_virtualize_apic() ? "switched off"
                                           : "absent");
    return verdict;
}

void Vmx::enable_this_cpu()
{
    Cpu& cpu = this_cpu();
    if (cpu.in_vmx_operation) return;
    if (is_locked_off(read(msr::feature_control))) panic("VMX is locked off on CPU {} only", arch::this_cpu());
    permit_vmx();
    write_cr0(Cr0{read_cr0().raw() | found.cr0_must_be_one});
    write_cr4(Cr4{read_cr4().raw() | found.cr4_must_be_one | Cr4::VmxEnable::mask});
    if (!vmxon(revision_page())) panic("VMXON fails on CPU {}", arch::this_cpu());
    cpu.in_vmx_operation = true;
}

Expected<std::unique_ptr<arch::VcpuBackend>> Vmx::create_vcpu(arch::VirtualCpu& cpu)
{
    auto const structure = frames::allocate_zeroed();
    if (!structure) return failure(structure.error());
    *arch::reach_as<u32>(address_of(*structure)) = found.basic.get<Basic::Revision>();
    std::unique_ptr<arch::VcpuBackend> vcpu{new (std::nothrow) VmxVcpu{cpu, *structure}};
    if (vcpu) return vcpu;
    frames::free(*structure);
    return failure(Error::OutOfMemory);
}

Expected<std::unique_ptr<SecondStage>> Vmx::create_second_stage()
{
    return arch::make_extended_page_tables(found.ept.get<EptAndVpid::Pages1G>());
}

arch::CapabilityReport Vmx::report() const
{
    bool const has_vpid = found.uses<SecondaryControls::Vpid>(ControlWord::Secondary);
    return {.extension = "VMX",
            .next_rip = true,
            .has_gibibyte_pages = found.ept.get<EptAndVpid::Pages1G>(),
            .address_space_ids = has_vpid ? most_vpids : 0};
}

}
