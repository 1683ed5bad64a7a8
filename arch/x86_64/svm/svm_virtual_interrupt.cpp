// SPDX-License-Identifier: MIT
/// How an interrupt reaches a guest on a CPU without NRIP save: QEMU, and the first CPUs with SVM.
///
/// The entry offers it as a virtual interrupt (APM vol. 2, 15.21.4) rather than by EVENTINJ. The CPU takes a virtual
/// interrupt before the guest's first instruction just the same, and says by V_IRQ whether it did.
///
/// The reason is QEMU 7.2: when its CPU is stopped right after VMRUN it delivers the interrupt of EVENTINJ twice, the
/// second time with interrupts disabled. dom0 then waits for ever for a lock that its own interrupted handler holds.
/// Bochs 2.7, which has NRIP save, was not seen to deliver virtual interrupts, and keeps EVENTINJ.
///
/// V_IRQ may have been in use already, to learn when the guest enables interrupts. That window is asked for again after
/// the next exit: the guest's handler begins with interrupts disabled, so until then nothing else could be delivered.
#include "arch/x86_64/cpu/control_registers.hpp"
#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/irq/vectors.hpp"
#include "arch/x86_64/svm/svm_vcpu.hpp"

namespace hospes::svm {

/// False if the event in injection_ has to go by EVENTINJ.
bool SvmVcpu::offer_virtual_interrupt()
{
    constexpr u8 highest_priority = 15;
    if (cpu_features().has(Feature::NextRipSave)) return false;
    if (injection_.get<EventInformation::Kind>() != EventInformation::Type::Interrupt) return false;
    if (in_shadow()) return false;
    if (!Rflags{registers_.rflags}.get<Rflags::InterruptEnable>()) return false;
    vmcb_.virtual_interrupt = interrupt_control()
                                  .with<VirtualInterruptControl::Pending>(true)
                                  .with<VirtualInterruptControl::Priority>(highest_priority)
                                  .with<VirtualInterruptControl::IgnoreTpr>(true)
                                  .with<VirtualInterruptControl::Vector>(injection_.get<EventInformation::Vector>())
                                  .raw();
    changed<CleanBits::Tpr>();
    intercept_virtual_interrupt(false);
    return true;
}

/// An interrupt that the guest has not taken is queued again, unless its own delivery was cut short: EXITINTINFO, which
/// is in injection_ already, repeats that one. (QEMU leaves V_IRQ set in that case.)
void SvmVcpu::withdraw_virtual_interrupt(EventInformation offered)
{
    intercept_virtual_interrupt(true);
    if (!interrupt_control().get<VirtualInterruptControl::Pending>()) return;
    if (!injection_.get<EventInformation::Valid>())
        injection_ = offered;
    else if (injection_.get<EventInformation::Vector>() != offered.get<EventInformation::Vector>())
        postponed_ = offered;
}

void SvmVcpu::intercept_virtual_interrupt(bool enabled)
{
    vmcb_.intercepts_3 = Intercepts3{vmcb_.intercepts_3}.with<Intercepts3::VirtualInterrupt>(enabled).raw();
    changed<CleanBits::Intercepts>();
}

/// EXITINTINFO. QEMU calls a virtual interrupt an exception there; the vector tells which of the two it was.
EventInformation SvmVcpu::interrupted_delivery() const
{
    EventInformation const event{vmcb_.exit_interrupt_information};
    if (event.get<EventInformation::Vector>() < exception::count) return event;
    return event.with<EventInformation::Kind>(EventInformation::Type::Interrupt);
}

}
