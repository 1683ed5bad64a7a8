// SPDX-License-Identifier: MIT
/// The hypervisor's CPUID leaves. (xen/include/public/arch-x86/cpuid.h)
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes::xen {

/// The first leaf, and the signature it answers with.
inline constexpr u32 cpuid_first_leaf = 0x4000'0000;
inline constexpr u32 cpuid_signature_ebx = 0x566E'6558; // "XenV"
inline constexpr u32 cpuid_signature_ecx = 0x6558'4D4D; // "MMXe"
inline constexpr u32 cpuid_signature_edx = 0x4D4D'566E; // "nVMM"

/// Leaves after the first one.
inline constexpr u32 cpuid_max_leaves = 5;

/// What follows the first leaf, by its distance from it.
enum class CpuidLeafOffset : u32 {
    Signature = 0,
    Version = 1,
    Hypercalls = 2,
    Time = 3,
    Hvm = 4,
    Pv = 5,
};

/// EBX of leaf +2: the MSR that a guest writes to have its hypercall page filled.
/// (xen/arch/x86/traps.c, cpuid_hypervisor_leaves)
inline constexpr u32 hypercall_page_msr = 0x4000'0000;

/// EAX of leaf +4. (XEN_HVM_CPUID_*)
namespace cpuid_hvm_flag {
inline constexpr u32 apic_access_virtualised = 1U << 0;
inline constexpr u32 x2apic_virtualised = 1U << 1;
inline constexpr u32 iommu_mappings = 1U << 2;
inline constexpr u32 vcpu_id_present = 1U << 3;   // EBX holds it
inline constexpr u32 domain_id_present = 1U << 4; // ECX holds it
inline constexpr u32 extended_destination_id = 1U << 5;
inline constexpr u32 upcall_vector = 1U << 6; // hvm_op set_evtchn_upcall_vector works
}

}
