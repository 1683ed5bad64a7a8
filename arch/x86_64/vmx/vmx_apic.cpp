// SPDX-License-Identifier: MIT
/// The local APIC in the CPU's hands, where it has APIC-register virtualization and virtual-interrupt delivery: it
/// delivers what the register page requests, and in x2APIC mode carries out EOI, TPR and self-IPI without an exit.
/// (SDM vol. 3, chapter 30)
///
/// The page tells everything. What the VMCS holds besides is derived from it, here, whenever software has touched it.
#include "arch/x86_64/virtual_apic/virtual_local_apic.hpp"
#include "arch/x86_64/vmx/vmx_vcpu.hpp"

namespace hospes::vmx {

namespace {

constexpr std::array end_of_interrupt_exits{field::end_of_interrupt_exits_0, field::end_of_interrupt_exits_1,
                                            field::end_of_interrupt_exits_2, field::end_of_interrupt_exits_3};

}

bool VmxVcpu::hand_over(arch::VirtualLocalApic const& apic)
{
    if (!capabilities().virtualizes_apic()) return false;
    // Switched off by software, it takes no interrupt to self.
    hand_over_msrs(apic.mode() == arch::ApicMode::Msrs && apic.is_enabled());
    report_end_of_level_interrupts(apic);
    write(field::guest_interrupt_status,
          static_cast<u16>(InterruptStatus{}
                               .with<InterruptStatus::Requested>(apic.highest_request())
                               .with<InterruptStatus::InService>(apic.highest_in_service())
                               .raw()));
    return true;
}

/// In the other modes accesses to the page go the way of all emulated memory.
void VmxVcpu::hand_over_msrs(bool wanted)
{
    if (wanted == owns_apic_msrs_) return;
    owns_apic_msrs_ = wanted;
    SecondaryControls const controls{capabilities().control(ControlWord::Secondary)};
    write(field::secondary_controls, controls.with<SecondaryControls::VirtualizeX2Apic>(wanted).raw());
    write(field::msr_bitmap, (wanted ? msr_bitmap_with_apic() : msr_bitmap()).raw());
}

void VmxVcpu::report_end_of_level_interrupts(arch::VirtualLocalApic const& apic)
{
    if (triggers_reported_ == apic.trigger_generation()) return;
    triggers_reported_ = apic.trigger_generation();
    for (unsigned i = 0; i < end_of_interrupt_exits.size(); ++i)
        write(end_of_interrupt_exits[i], apic.level_triggered(i));
}

}
