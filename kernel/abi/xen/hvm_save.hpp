// SPDX-License-Identifier: MIT
/// The records of a guest's saved state, for gethvmcontext, sethvmcontext and migration streams.
/// (xen/include/public/hvm/save.h and arch-x86/hvm/save.h)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// Which record follows a descriptor; those of devices that no PVH guest has are left out. (HVM_SAVE_CODE)
enum class HvmSaveCode : u16 {
    End = 0,
    Header = 1,
    Cpu = 2,
    LocalApic = 5,
    LocalApicRegisters = 6,
    Mtrr = 14,
    CpuXsave = 16,
    VmceVcpu = 18,
    TscAdjust = 19,
    CpuMsr = 20,
};

/// Comes before every record; `instance` is a vCPU's number, or zero.
struct HvmSaveDescriptor {
    u16 typecode;
    u16 instance;
    u32 length; // of the record that follows
};
static_assert(sizeof(HvmSaveDescriptor) == 8 && has_no_hidden_bytes<HvmSaveDescriptor>);
static_assert(offsetof(HvmSaveDescriptor, instance) == 2 && offsetof(HvmSaveDescriptor, length) == 4);

/// What the header must say.
inline constexpr u32 hvm_file_magic = 0x5438'1286;
inline constexpr u32 hvm_file_version = 0x1;

/// The first record.
struct HvmSaveHeader {
    u32 magic;
    u32 version;
    u64 changeset;
    u32 cpuid; // leaf 1's EAX on the machine that saved
    u32 guest_tsc_khz;
};
static_assert(sizeof(HvmSaveHeader) == 24 && has_no_hidden_bytes<HvmSaveHeader>);
static_assert(offsetof(HvmSaveHeader, version) == 4 && offsetof(HvmSaveHeader, changeset) == 8 &&
              offsetof(HvmSaveHeader, cpuid) == 16 && offsetof(HvmSaveHeader, guest_tsc_khz) == 20);

/// HvmCpu::flags: fpu_regs holds something.
namespace hvm_cpu_flag {
inline constexpr u32 fpu_initialised = 1U << 0;
}

/// A vCPU's registers.
struct HvmCpu {
    std::array<u8, 512> fpu_regs;
    u64 rax;
    u64 rbx;
    u64 rcx;
    u64 rdx;
    u64 rbp;
    u64 rsi;
    u64 rdi;
    u64 rsp;
    u64 r8;
    u64 r9;
    u64 r10;
    u64 r11;
    u64 r12;
    u64 r13;
    u64 r14;
    u64 r15;
    u64 rip;
    u64 rflags;
    u64 cr0;
    u64 cr2;
    u64 cr3;
    u64 cr4;
    u64 dr0;
    u64 dr1;
    u64 dr2;
    u64 dr3;
    u64 dr6;
    u64 dr7;
    u32 cs_selector;
    u32 ds_selector;
    u32 es_selector;
    u32 fs_selector;
    u32 gs_selector;
    u32 ss_selector;
    u32 tr_selector;
    u32 ldtr_selector;
    u32 cs_limit;
    u32 ds_limit;
    u32 es_limit;
    u32 fs_limit;
    u32 gs_limit;
    u32 ss_limit;
    u32 tr_limit;
    u32 ldtr_limit;
    u32 idtr_limit;
    u32 gdtr_limit;
    u64 cs_base;
    u64 ds_base;
    u64 es_base;
    u64 fs_base;
    u64 gs_base;
    u64 ss_base;
    u64 tr_base;
    u64 ldtr_base;
    u64 idtr_base;
    u64 gdtr_base;
    u32 cs_attributes;
    u32 ds_attributes;
    u32 es_attributes;
    u32 fs_attributes;
    u32 gs_attributes;
    u32 ss_attributes;
    u32 tr_attributes;
    u32 ldtr_attributes;
    u64 sysenter_cs;
    u64 sysenter_esp;
    u64 sysenter_eip;
    u64 shadow_gs;
    u64 msr_flags;
    u64 msr_lstar;
    u64 msr_star;
    u64 msr_cstar;
    u64 msr_syscall_mask;
    u64 msr_efer;
    u64 msr_tsc_aux;
    u64 tsc;
    u32 pending_event; // as an entry interruption field: vector, type, error code valid, valid
    u32 error_code;
    u32 flags; // hvm_cpu_flag
    u32 pad0;
};
static_assert(sizeof(HvmCpu) == 1032 && has_no_hidden_bytes<HvmCpu>);
static_assert(
    offsetof(HvmCpu, rax) == 512 && offsetof(HvmCpu, rbx) == 520 && offsetof(HvmCpu, rcx) == 528 &&
    offsetof(HvmCpu, rdx) == 536 && offsetof(HvmCpu, rbp) == 544 && offsetof(HvmCpu, rsi) == 552 &&
    offsetof(HvmCpu, rdi) == 560 && offsetof(HvmCpu, rsp) == 568 && offsetof(HvmCpu, r8) == 576 &&
    offsetof(HvmCpu, r9) == 584 && offsetof(HvmCpu, r10) == 592 && offsetof(HvmCpu, r11) == 600 &&
    offsetof(HvmCpu, r12) == 608 && offsetof(HvmCpu, r13) == 616 && offsetof(HvmCpu, r14) == 624 &&
    offsetof(HvmCpu, r15) == 632 && offsetof(HvmCpu, rip) == 640 && offsetof(HvmCpu, rflags) == 648 &&
    offsetof(HvmCpu, cr0) == 656 && offsetof(HvmCpu, cr2) == 664 && offsetof(HvmCpu, cr3) == 672 &&
    offsetof(HvmCpu, cr4) == 680 && offsetof(HvmCpu, dr0) == 688 && offsetof(HvmCpu, dr1) == 696 &&
    offsetof(HvmCpu, dr2) == 704 && offsetof(HvmCpu, dr3) == 712 && offsetof(HvmCpu, dr6) == 720 &&
    offsetof(HvmCpu, dr7) == 728 && offsetof(HvmCpu, cs_selector) == 736 && offsetof(HvmCpu, ds_selector) == 740 &&
    offsetof(HvmCpu, es_selector) == 744 && offsetof(HvmCpu, fs_selector) == 748 &&
    offsetof(HvmCpu, gs_selector) == 752 && offsetof(HvmCpu, ss_selector) == 756 &&
    offsetof(HvmCpu, tr_selector) == 760 && offsetof(HvmCpu, ldtr_selector) == 764 &&
    offsetof(HvmCpu, cs_limit) == 768 && offsetof(HvmCpu, ds_limit) == 772 && offsetof(HvmCpu, es_limit) == 776 &&
    offsetof(HvmCpu, fs_limit) == 780 && offsetof(HvmCpu, gs_limit) == 784 && offsetof(HvmCpu, ss_limit) == 788 &&
    offsetof(HvmCpu, tr_limit) == 792 && offsetof(HvmCpu, ldtr_limit) == 796 && offsetof(HvmCpu, idtr_limit) == 800 &&
    offsetof(HvmCpu, gdtr_limit) == 804 && offsetof(HvmCpu, cs_base) == 808 && offsetof(HvmCpu, ds_base) == 816 &&
    offsetof(HvmCpu, es_base) == 824 && offsetof(HvmCpu, fs_base) == 832 && offsetof(HvmCpu, gs_base) == 840 &&
    offsetof(HvmCpu, ss_base) == 848 && offsetof(HvmCpu, tr_base) == 856 && offsetof(HvmCpu, ldtr_base) == 864 &&
    offsetof(HvmCpu, idtr_base) == 872 && offsetof(HvmCpu, gdtr_base) == 880 &&
    offsetof(HvmCpu, cs_attributes) == 888 && offsetof(HvmCpu, ds_attributes) == 892 &&
    offsetof(HvmCpu, es_attributes) == 896 && offsetof(HvmCpu, fs_attributes) == 900 &&
    offsetof(HvmCpu, gs_attributes) == 904 && offsetof(HvmCpu, ss_attributes) == 908 &&
    offsetof(HvmCpu, tr_attributes) == 912 && offsetof(HvmCpu, ldtr_attributes) == 916 &&
    offsetof(HvmCpu, sysenter_cs) == 920 && offsetof(HvmCpu, sysenter_esp) == 928 &&
    offsetof(HvmCpu, sysenter_eip) == 936 && offsetof(HvmCpu, shadow_gs) == 944 && offsetof(HvmCpu, msr_flags) == 952 &&
    offsetof(HvmCpu, msr_lstar) == 960 && offsetof(HvmCpu, msr_star) == 968 && offsetof(HvmCpu, msr_cstar) == 976 &&
    offsetof(HvmCpu, msr_syscall_mask) == 984 && offsetof(HvmCpu, msr_efer) == 992 &&
    offsetof(HvmCpu, msr_tsc_aux) == 1000 && offsetof(HvmCpu, tsc) == 1008 && offsetof(HvmCpu, pending_event) == 1016 &&
    offsetof(HvmCpu, error_code) == 1020 && offsetof(HvmCpu, flags) == 1024);

/// What of a local APIC is not in its register page. Before 4.18 it ends in front of pending_errors (versions.hpp).
struct HvmLocalApic {
    u64 apic_base_msr;
    u32 disabled;
    u32 timer_divisor;
    u64 tsc_deadline_msr;
    u32 pending_errors; // what the next write of the error status register shows
    u32 pad;
};
static_assert(sizeof(HvmLocalApic) == 32 && has_no_hidden_bytes<HvmLocalApic>);
static_assert(offsetof(HvmLocalApic, disabled) == 8 && offsetof(HvmLocalApic, timer_divisor) == 12 &&
              offsetof(HvmLocalApic, tsc_deadline_msr) == 16 && offsetof(HvmLocalApic, pending_errors) == 24);

/// The register page's first KiB.
struct HvmLocalApicRegisters {
    std::array<u8, 1024> data;
};
static_assert(sizeof(HvmLocalApicRegisters) == 1024 && has_no_hidden_bytes<HvmLocalApicRegisters>);

/// Memory types; base and mask alternate in the variable ranges.
struct HvmMtrr {
    u64 pat;
    std::array<u64, 16> variable;
    std::array<u64, 11> fixed;
    u64 capability;
    u64 default_type;
};
static_assert(sizeof(HvmMtrr) == 240 && has_no_hidden_bytes<HvmMtrr>);
static_assert(offsetof(HvmMtrr, variable) == 8 && offsetof(HvmMtrr, fixed) == 136 &&
              offsetof(HvmMtrr, capability) == 224 && offsetof(HvmMtrr, default_type) == 232);

/// The machine-check registers a guest may set.
struct HvmVmceVcpu {
    u64 caps;
    u64 mci_ctl2_bank0;
    u64 mci_ctl2_bank1;
    u64 mcg_ext_ctl;
};
static_assert(sizeof(HvmVmceVcpu) == 32 && has_no_hidden_bytes<HvmVmceVcpu>);
static_assert(offsetof(HvmVmceVcpu, mci_ctl2_bank0) == 8 && offsetof(HvmVmceVcpu, mci_ctl2_bank1) == 16 &&
              offsetof(HvmVmceVcpu, mcg_ext_ctl) == 24);

struct HvmTscAdjust {
    u64 tsc_adjust;
};
static_assert(sizeof(HvmTscAdjust) == 8 && has_no_hidden_bytes<HvmTscAdjust>);

/// An XSAVE area begins at `legacy`; the extended components follow the structure.
struct HvmCpuXsave {
    u64 xfeature_mask;
    u64 xcr0;
    u64 xcr0_accumulated;
    std::array<u8, 512> legacy;
    u64 xstate_bv;
    u64 xcomp_bv;
    std::array<u64, 6> reserved;
};
static_assert(sizeof(HvmCpuXsave) == 600 && has_no_hidden_bytes<HvmCpuXsave>);
static_assert(offsetof(HvmCpuXsave, xcr0) == 8 && offsetof(HvmCpuXsave, xcr0_accumulated) == 16 &&
              offsetof(HvmCpuXsave, legacy) == 24 && offsetof(HvmCpuXsave, xstate_bv) == 536 &&
              offsetof(HvmCpuXsave, xcomp_bv) == 544 && offsetof(HvmCpuXsave, reserved) == 552);

/// One of the MSRs of a CpuMsr record.
struct HvmOneMsr {
    u32 index;
    u32 reserved;
    u64 value;
};
static_assert(sizeof(HvmOneMsr) == 16 && has_no_hidden_bytes<HvmOneMsr>);
static_assert(offsetof(HvmOneMsr, reserved) == 4 && offsetof(HvmOneMsr, value) == 8);

/// `count` HvmOneMsr follow.
struct HvmMsrs {
    u32 count;
    u32 pad;
};
static_assert(sizeof(HvmMsrs) == 8 && has_no_hidden_bytes<HvmMsrs>);

}
