// SPDX-License-Identifier: MIT
/// The verdict's rows about processors, memory and what lies below: from facts to words, without touching hardware.
#pragma once

#include <string_view>

#include "kernel/lib/integers.hpp"

namespace hospes::verdict {

enum class Vendor : u8 { Other, Amd, Intel };

/// What was read from CPUID and MSRs, of either vendor's virtualization extension.
struct ProcessorFacts {
    Vendor vendor = Vendor::Other;
    bool has_extension = false;       ///< SVM or VMX
    bool locked_by_firmware = false;  ///< VM_CR.SVMDIS, or feature control locked without VMX
    bool nested_paging = false;       ///< NPT or EPT
    bool unrestricted_guest = false;  ///< VMX only
    bool huge_pages = false;          ///< 1 GiB
    bool next_rip = false;            ///< the length of an exiting instruction is told; with VMX it always is
    bool apic_virtualization = false; ///< the CPU can serve guests' local APICs; VMX only
    bool apic_virtualization_wanted = false;
    bool has_outer_hypervisor = false;
    std::string_view outer_hypervisor{}; ///< its signature from CPUID 0x40000000, 12 characters
};

void judge_processor(ProcessorFacts const& facts);
void judge_cpus(unsigned started, unsigned present);
void judge_memory(u64 usable_mib);

/// "KVM" for "KVMKVMKVM"; the signature itself if it is not known.
[[nodiscard]] std::string_view name_of_hypervisor(std::string_view signature);

}
