// SPDX-License-Identifier: MIT
/// Which virtualization extension this machine has, and the platform verdict about it. (design.md 5)
///
/// The one file that knows both vendors.
#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/guest/nested_tables.hpp"
#include "arch/x86_64/guest/vcpu_backend.hpp"
#include "arch/x86_64/svm/svm.hpp"
#include "arch/x86_64/vmx/vmx.hpp"
#include "kernel/log/log.hpp"
#include "kernel/log/panic.hpp"
#include "kernel/options/command_line.hpp"

namespace hospes::arch {

namespace {

Virtualization* chosen = nullptr;

[[noreturn]] void refuse_without_extension()
{
    if (cpu_features().has(Feature::Hypervisor))
        refuse_to_boot("CPU virtualization: hidden by an outer hypervisor. Allow nested virtualization for this "
                       "virtual machine (KVM: kvm_amd or kvm_intel nested=1 and -cpu host; VMware: \"Expose hardware "
                       "assisted virtualization\")");
    switch (cpu_vendor([](u32 leaf, u32 subleaf) { return read_cpuid(leaf, subleaf); })) {
    case CpuVendor::Intel:
        refuse_to_boot("CPU virtualization (VMX): absent. This Intel processor lacks VT-x, or the firmware hides it: "
                       "look for \"Intel Virtualization Technology\" in its setup");
    case CpuVendor::Amd:
        refuse_to_boot("CPU virtualization (SVM): absent. This AMD processor lacks AMD-V, or the firmware hides it: "
                       "look for \"SVM Mode\" in its setup");
    case CpuVendor::Unknown: break;
    }
    refuse_to_boot("CPU virtualization: neither SVM nor VMX is present. Hospes needs a processor with one of them");
}

void refuse(svm::Svm::Verdict verdict)
{
    using Verdict = svm::Svm::Verdict;
    switch (verdict) {
    case Verdict::Usable: return;
    case Verdict::Absent: refuse_without_extension();
    case Verdict::LockedByFirmware:
        refuse_to_boot(
            "CPU virtualization (SVM): locked by the firmware. Enable \"SVM Mode\" or \"AMD-V\" in its setup");
    case Verdict::NoNestedPaging:
        refuse_to_boot("nested paging (NPT): absent. Hospes needs it; if this is a virtual machine, have its CPU model "
                       "offer npt");
    }
}

void refuse(vmx::Verdict verdict)
{
    using vmx::Verdict;
    switch (verdict) {
    case Verdict::Usable: return;
    case Verdict::Absent: refuse_without_extension();
    case Verdict::LockedByFirmware:
        refuse_to_boot("CPU virtualization (VMX): locked off by the firmware. Enable \"Intel Virtualization "
                       "Technology\" or \"VT-x\" in its setup, save, and switch the machine off and on");
    case Verdict::ControlMissing:
        refuse_to_boot("CPU virtualization (VMX): this processor has no {}. Hospes needs a processor of 2010 or later; "
                       "if this is a virtual machine, have its CPU model offer it",
                       vmx::Vmx::missing());
    case Verdict::EptUnsuitable:
        refuse_to_boot("extended page tables (EPT): four levels, 2 MiB pages or INVEPT are missing. If this is a "
                       "virtual machine, have its CPU model offer them");
    }
}

Virtualization& choose(bool use_apic_virtualization)
{
    static svm::Svm svm;
    static vmx::Vmx vmx;
    if (cpu_features().has(Feature::Vmx)) {
        refuse(vmx.start(use_apic_virtualization));
        return vmx;
    }
    refuse(svm::Svm::examine());
    return svm;
}

}

void initialize_virtualization(bool use_apic_virtualization)
{
    chosen = &choose(use_apic_virtualization);
    CapabilityReport const report = chosen->report();
    log_info("CPU virtualization: {} in use; nested paging in use, pages up to {}; next instruction pointer {}; {} "
             "address space ids",
             report.extension, page_names[largest_leaf_level(report.has_gibibyte_pages, options())],
             report.next_rip ? "in use" : "absent, decoding", report.address_space_ids);
}

Virtualization& virtualization() { return *chosen; }

}
