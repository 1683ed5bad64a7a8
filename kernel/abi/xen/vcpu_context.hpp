// SPDX-License-Identifier: MIT
/// The register file of get and set_vcpu_context. (xen/include/public/arch-x86/xen.h and
/// xen-x86_64.h)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/abi/xen/types.hpp"

namespace hospes::xen {

/// The general registers, in the order of an interrupt frame.
struct CpuUserRegs {
    u64 r15;
    u64 r14;
    u64 r13;
    u64 r12;
    u64 rbp;
    u64 rbx;
    u64 r11;
    u64 r10;
    u64 r9;
    u64 r8;
    u64 rax;
    u64 rcx;
    u64 rdx;
    u64 rsi;
    u64 rdi;
    u32 error_code;
    u32 entry_vector;
    u64 rip;
    u16 cs;
    u16 pad0;
    u8 saved_upcall_mask;
    std::array<u8, 3> pad1;
    u64 rflags;
    u64 rsp;
    u16 ss;
    std::array<u16, 3> pad2;
    u16 es;
    std::array<u16, 3> pad3;
    u16 ds;
    std::array<u16, 3> pad4;
    u16 fs;
    std::array<u16, 3> pad5;
    u16 gs;
    std::array<u16, 3> pad6;
};
static_assert(sizeof(CpuUserRegs) == 200 && has_no_hidden_bytes<CpuUserRegs>);
static_assert(offsetof(CpuUserRegs, r14) == 8 && offsetof(CpuUserRegs, r13) == 16 && offsetof(CpuUserRegs, r12) == 24 &&
              offsetof(CpuUserRegs, rbp) == 32 && offsetof(CpuUserRegs, rbx) == 40 &&
              offsetof(CpuUserRegs, r11) == 48 && offsetof(CpuUserRegs, r10) == 56 && offsetof(CpuUserRegs, r9) == 64 &&
              offsetof(CpuUserRegs, r8) == 72 && offsetof(CpuUserRegs, rax) == 80 && offsetof(CpuUserRegs, rcx) == 88 &&
              offsetof(CpuUserRegs, rdx) == 96 && offsetof(CpuUserRegs, rsi) == 104 &&
              offsetof(CpuUserRegs, rdi) == 112 && offsetof(CpuUserRegs, error_code) == 120 &&
              offsetof(CpuUserRegs, entry_vector) == 124 && offsetof(CpuUserRegs, rip) == 128 &&
              offsetof(CpuUserRegs, cs) == 136 && offsetof(CpuUserRegs, saved_upcall_mask) == 140 &&
              offsetof(CpuUserRegs, rflags) == 144 && offsetof(CpuUserRegs, rsp) == 152 &&
              offsetof(CpuUserRegs, ss) == 160 && offsetof(CpuUserRegs, es) == 168 &&
              offsetof(CpuUserRegs, ds) == 176 && offsetof(CpuUserRegs, fs) == 184 && offsetof(CpuUserRegs, gs) == 192);

/// One entry of a PV guest's trap table; zero for any other guest.
struct TrapInfo {
    u8 vector;
    u8 flags;
    u16 cs;
    u32 pad;
    u64 address;
};
static_assert(sizeof(TrapInfo) == 16 && has_no_hidden_bytes<TrapInfo>);
static_assert(offsetof(TrapInfo, flags) == 1 && offsetof(TrapInfo, cs) == 2 && offsetof(TrapInfo, address) == 8);

/// VcpuGuestContext::flags. (VGCF_*)
namespace vcpu_context_flag {
inline constexpr u64 i387_valid = u64{1} << 0;
inline constexpr u64 in_kernel = u64{1} << 2;
inline constexpr u64 failsafe_disables_events = u64{1} << 3;
inline constexpr u64 syscall_disables_events = u64{1} << 4;
inline constexpr u64 online = u64{1} << 5;
}

/// Of a PVH guest the FPU state, the user registers, CR0-CR4 and the debug registers mean something.
struct VcpuGuestContext {
    std::array<u8, 512> fpu;
    u64 flags;
    CpuUserRegs user_regs;
    std::array<TrapInfo, 256> traps;
    u64 ldt_base;
    u64 ldt_entries;
    std::array<u64, 16> gdt_frames;
    u64 gdt_entries;
    u64 kernel_ss;
    u64 kernel_sp;
    std::array<u64, 8> control_registers;
    std::array<u64, 8> debug_registers;
    u64 event_callback_rip;
    u64 failsafe_callback_rip;
    u64 syscall_callback_rip;
    u64 vm_assist;
    u64 fs_base;
    u64 gs_base_kernel;
    u64 gs_base_user;
};
static_assert(sizeof(VcpuGuestContext) == 5168 && has_no_hidden_bytes<VcpuGuestContext>);
static_assert(offsetof(VcpuGuestContext, flags) == 512 && offsetof(VcpuGuestContext, user_regs) == 520 &&
              offsetof(VcpuGuestContext, traps) == 720 && offsetof(VcpuGuestContext, ldt_base) == 4816 &&
              offsetof(VcpuGuestContext, ldt_entries) == 4824 && offsetof(VcpuGuestContext, gdt_frames) == 4832 &&
              offsetof(VcpuGuestContext, gdt_entries) == 4960 && offsetof(VcpuGuestContext, kernel_ss) == 4968 &&
              offsetof(VcpuGuestContext, kernel_sp) == 4976 && offsetof(VcpuGuestContext, control_registers) == 4984 &&
              offsetof(VcpuGuestContext, debug_registers) == 5048 &&
              offsetof(VcpuGuestContext, event_callback_rip) == 5112 &&
              offsetof(VcpuGuestContext, failsafe_callback_rip) == 5120 &&
              offsetof(VcpuGuestContext, syscall_callback_rip) == 5128 &&
              offsetof(VcpuGuestContext, vm_assist) == 5136 && offsetof(VcpuGuestContext, fs_base) == 5144 &&
              offsetof(VcpuGuestContext, gs_base_kernel) == 5152 && offsetof(VcpuGuestContext, gs_base_user) == 5160);

}
