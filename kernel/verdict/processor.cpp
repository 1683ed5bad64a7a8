// SPDX-License-Identifier: MIT
/// The verdict's rows about the processor, as rules over facts.
#include "kernel/verdict/processor.hpp"

#include <algorithm>
#include <array>

#include "kernel/verdict/verdict.hpp"

namespace hospes::verdict {
namespace {

/// Signatures as virtual machines find them in CPUID leaf 0x40000000, EBX, ECX, EDX.
struct KnownHypervisor {
    std::string_view signature, name;
};
constexpr std::array known_hypervisors{
    KnownHypervisor{"KVMKVMKVM", "KVM"},       KnownHypervisor{"TCGTCGTCGTCG", "QEMU without KVM (TCG)"},
    KnownHypervisor{"VMwareVMware", "VMware"}, KnownHypervisor{"Microsoft Hv", "Hyper-V"},
    KnownHypervisor{"XenVMMXenVMM", "Xen"},    KnownHypervisor{"VBoxVBoxVBox", "VirtualBox"},
    KnownHypervisor{"bhyve bhyve ", "bhyve"},  KnownHypervisor{"ACRNACRNACRN", "ACRN"},
};

constexpr std::string_view extension_row = "CPU virtualization", paging_row = "nested paging";

std::string_view name_of_extension(Vendor vendor)
{
    switch (vendor) {
    case Vendor::Amd: return "SVM (AMD-V)";
    case Vendor::Intel: return "VMX (VT-x)";
    case Vendor::Other: break;
    }
    return "neither SVM nor VMX";
}

std::string_view advice_for_missing_extension(ProcessorFacts const& facts)
{
    if (facts.has_outer_hypervisor)
        return "allow nested virtualization for this virtual machine (docs/nested-qemu-kvm.md, docs/nested-vmware.md)";
    switch (facts.vendor) {
    case Vendor::Amd: return "look for \"SVM Mode\" in the firmware's setup; without it this processor cannot be used";
    case Vendor::Intel:
        return "look for \"Intel Virtualization Technology\" in the firmware's setup; without it this processor cannot "
               "be used";
    case Vendor::Other: break;
    }
    return "Hospes needs a processor with AMD-V or VT-x";
}

std::string_view advice_for_locked_extension(Vendor vendor)
{
    if (vendor == Vendor::Amd) return "enable \"SVM Mode\" or \"AMD-V\" in the firmware's setup";
    return "enable \"VT-x\" in the firmware's setup, save, and switch the machine off and on";
}

void judge_extension(ProcessorFacts const& facts)
{
    std::string_view const name = name_of_extension(facts.vendor);
    if (!facts.has_extension)
        add({extension_row, Standing::Absent, name, advice_for_missing_extension(facts)});
    else if (facts.locked_by_firmware)
        add(extension_row, Standing::Broken, advice_for_locked_extension(facts.vendor), "{}: locked by the firmware",
            name);
    else
        add({extension_row, Standing::InUse, name, ""});
}

/// Of AMD's (AVIC) no use is made.
void judge_apic_virtualization(ProcessorFacts const& facts)
{
    constexpr std::string_view what = "APIC virtualization";
    if (!facts.apic_virtualization)
        add({what, Standing::Absent, "interrupts are delivered by software", ""});
    else if (!facts.apic_virtualization_wanted)
        add({what, Standing::SwitchedOff, "interrupts are delivered by software",
             "off by apicv=, or because this may be Bochs, which does it wrong; apicv=on lets the CPU do it"});
    else
        add({what, Standing::InUse, "the CPU delivers interrupts, and ends them in x2APIC mode", ""});
}

void judge_nested_paging(ProcessorFacts const& facts)
{
    bool const is_intel = facts.vendor == Vendor::Intel;
    std::string_view const name = is_intel ? "EPT" : "NPT";
    if (!facts.nested_paging)
        return add({paging_row, Standing::Absent, name,
                    "needed; a virtual machine's CPU model must offer it, older processors do not have it"});
    add(paging_row, Standing::InUse, "", "{}, pages of 4 KiB, 2 MiB{}", name, facts.huge_pages ? " and 1 GiB" : "");
    if (is_intel && !facts.unrestricted_guest)
        add({"unrestricted guest", Standing::Absent, "guests cannot run in real mode",
             "needed; a virtual machine's CPU model must offer it, processors before 2010 do not have it"});
    else if (is_intel)
        add({"unrestricted guest", Standing::InUse, "guests may leave protected mode", ""});
    else if (facts.next_rip)
        add({"next instruction pointer", Standing::InUse, "told by the CPU", ""});
    else
        add({"next instruction pointer", Standing::Absent, "found by decoding instructions instead", ""});
}

}

std::string_view name_of_hypervisor(std::string_view signature)
{
    signature = signature.substr(0, signature.find('\0'));
    auto const known = std::ranges::find(known_hypervisors, signature, &KnownHypervisor::signature);
    return known == known_hypervisors.end() ? signature : known->name;
}

void judge_processor(ProcessorFacts const& facts)
{
    if (facts.has_outer_hypervisor)
        add("outer hypervisor", Standing::InUse, "Hospes runs nested: slower, and only as safe as what is below", "{}",
            name_of_hypervisor(facts.outer_hypervisor));
    else
        add({"outer hypervisor", Standing::Absent, "this is the bare machine", ""});
    judge_extension(facts);
    if (!facts.has_extension || facts.locked_by_firmware) return;
    judge_nested_paging(facts);
    judge_apic_virtualization(facts);
}

void judge_cpus(unsigned started, unsigned present)
{
    std::string_view const advice = started == 1        ? "dom0 and all guests share one CPU: expect them to wait"
                                    : started < present ? "nosmp or maxcpus= leaves CPUs out, or they did not start"
                                                        : "";
    add("CPUs", Standing::InUse, advice, "{} of {}", started, present);
}

void judge_memory(u64 usable_mib)
{
    constexpr u64 comfortable_mib = 2048;
    add("memory", Standing::InUse,
        usable_mib < comfortable_mib ? "little: a Debian dom0 wants 1 GiB for itself; set dom0_mem= and add memory"
                                     : "",
        "{} MiB usable", usable_mib);
}

}
