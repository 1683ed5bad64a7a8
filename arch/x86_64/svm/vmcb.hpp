// SPDX-License-Identifier: MIT
/// The virtual machine control block. (APM vol. 2, 15.5 and appendix B)
#pragma once

#include <array>
#include <cstddef>

#include "kernel/lib/bit_register.hpp"
#include "kernel/lib/integers.hpp"

namespace hospes::svm {

/// First intercept word. (offset 000h)
struct ControlRegisterIntercepts : Register<ControlRegisterIntercepts> {
    using Register::Register;
    using ReadCr4 = Field<ControlRegisterIntercepts, 4>;
    using WriteCr4 = Field<ControlRegisterIntercepts, 20>;
};

/// Third intercept word. (APM vol. 2, table B-1, offset 00Ch)
struct Intercepts3 : Register<Intercepts3, u32> {
    using Register::Register;
    using Interrupt = Field<Intercepts3, 0>;
    using Nmi = Field<Intercepts3, 1>;
    using Init = Field<Intercepts3, 3>;
    using VirtualInterrupt = Field<Intercepts3, 4>;
    using Rdpmc = Field<Intercepts3, 15>;
    using Cpuid = Field<Intercepts3, 18>;
    using Rsm = Field<Intercepts3, 19>;
    using Iret = Field<Intercepts3, 20>;
    using Invd = Field<Intercepts3, 22>;
    using Hlt = Field<Intercepts3, 24>;
    using Invlpga = Field<Intercepts3, 26>;
    using Ports = Field<Intercepts3, 27>;
    using Msrs = Field<Intercepts3, 28>;
    using TaskSwitch = Field<Intercepts3, 29>;
    using FerrFreeze = Field<Intercepts3, 30>;
    using Shutdown = Field<Intercepts3, 31>;
};

/// Fourth intercept word. (offset 010h)
struct Intercepts4 : Register<Intercepts4, u32> {
    using Register::Register;
    using Vmrun = Field<Intercepts4, 0>;
    using Vmmcall = Field<Intercepts4, 1>;
    using Vmload = Field<Intercepts4, 2>;
    using Vmsave = Field<Intercepts4, 3>;
    using Stgi = Field<Intercepts4, 4>;
    using Clgi = Field<Intercepts4, 5>;
    using Skinit = Field<Intercepts4, 6>;
    using Wbinvd = Field<Intercepts4, 9>;
    using Monitor = Field<Intercepts4, 10>;
    using Mwait = Field<Intercepts4, 11>;
    using MwaitArmed = Field<Intercepts4, 12>;
    using Xsetbv = Field<Intercepts4, 13>;
    using Rdpru = Field<Intercepts4, 14>;
};

/// Fifth intercept word. (offset 014h)
struct Intercepts5 : Register<Intercepts5, u32> {
    using Register::Register;
    using Invlpgb = Field<Intercepts5, 0>;
    using Mcommit = Field<Intercepts5, 3>;
    using Tlbsync = Field<Intercepts5, 4>;
};

/// Offset 060h. (APM vol. 2, 15.21)
struct VirtualInterruptControl : Register<VirtualInterruptControl> {
    using Register::Register;
    using Tpr = Field<VirtualInterruptControl, 3, 0, u8>; ///< CR8
    using Pending = Field<VirtualInterruptControl, 8>;
    using Priority = Field<VirtualInterruptControl, 19, 16, u8>;
    using IgnoreTpr = Field<VirtualInterruptControl, 20>;
    using Masking = Field<VirtualInterruptControl, 24>;
    using Vector = Field<VirtualInterruptControl, 39, 32, u8>;
};

/// Offset 068h.
struct InterruptState : Register<InterruptState> {
    using Register::Register;
    using Shadow = Field<InterruptState, 0>;
};

/// EXITINTINFO and EVENTINJ. (APM vol. 2, 15.7.2 and 15.20)
struct EventInformation : Register<EventInformation> {
    using Register::Register;
    enum class Type : u8 { Interrupt = 0, Nmi = 2, Exception = 3, SoftwareInterrupt = 4 };
    using Vector = Field<EventInformation, 7, 0, u8>;
    using Kind = Field<EventInformation, 10, 8, Type>;
    using HasErrorCode = Field<EventInformation, 11>;
    using Valid = Field<EventInformation, 31>;
    using ErrorCode = Field<EventInformation, 63, 32, u32>;
};

/// Offset 0C0h: which parts the CPU may keep from the last run. (APM vol. 2, 15.15.3)
struct CleanBits : Register<CleanBits> {
    using Register::Register;
    using Intercepts = Field<CleanBits, 0>;
    using PermissionMaps = Field<CleanBits, 1>;
    using Asid = Field<CleanBits, 2>;
    using Tpr = Field<CleanBits, 3>;
    using NestedPaging = Field<CleanBits, 4>;
    using ControlRegisters = Field<CleanBits, 5>;
    using DebugRegisters = Field<CleanBits, 6>;
    using DescriptorTables = Field<CleanBits, 7>;
    using Segments = Field<CleanBits, 8>;
    using Cr2 = Field<CleanBits, 9>;
};
inline constexpr CleanBits everything_clean{0x3ff};

enum class TlbControl : u8 { Nothing = 0, FlushAll = 1 };

/// EXITINFO1 of a port exit. (APM vol. 2, 15.10.2)
struct PortInformation : Register<PortInformation> {
    using Register::Register;
    using In = Field<PortInformation, 0>;
    using String = Field<PortInformation, 2>;
    using Repeat = Field<PortInformation, 3>;
    using Bytes1 = Field<PortInformation, 4>;
    using Bytes2 = Field<PortInformation, 5>;
    using Bytes4 = Field<PortInformation, 6>;
    using Port = Field<PortInformation, 31, 16, u16>;
};

/// EXITINFO1 of a nested page fault. (APM vol. 2, 15.25.6)
struct NestedFault : Register<NestedFault> {
    using Register::Register;
    using Present = Field<NestedFault, 0>;
    using Write = Field<NestedFault, 1>;
    using ReservedBits = Field<NestedFault, 3>;
    using Execute = Field<NestedFault, 4>;
    using InPageWalk = Field<NestedFault, 33>;
};

struct Segment {
    u16 selector;
    u16 attributes; ///< descriptor bits 55..52 and 47..40, packed
    u32 limit;
    u64 base;
};

struct Vmcb {
    // Control area (APM vol. 2, table B-1)
    u32 control_register_intercepts;
    u32 debug_register_intercepts;
    u32 exception_intercepts;
    u32 intercepts_3;
    u32 intercepts_4;
    u32 intercepts_5;
    std::array<u8, 0x040 - 0x018> reserved_018;
    u64 port_map;
    u64 msr_map;
    u64 tsc_offset;
    u32 asid;
    u8 tlb_control;
    std::array<u8, 3> reserved_05d;
    u64 virtual_interrupt;
    u64 interrupt_state;
    u64 exit_code;
    u64 exit_information_1;
    u64 exit_information_2;
    u64 exit_interrupt_information;
    u64 nested_paging;
    u64 avic_bar;
    u64 ghcb;
    u64 event_injection;
    u64 nested_cr3;
    u64 lbr_virtualization;
    u64 clean_bits;
    u64 next_rip;
    std::array<u8, 0x400 - 0x0d0> reserved_0d0;
    // State save area (table B-2)
    Segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
    std::array<u8, 0x4cb - 0x4a0> reserved_4a0;
    u8 cpl;
    std::array<u8, 4> reserved_4cc;
    u64 efer;
    std::array<u8, 0x548 - 0x4d8> reserved_4d8;
    u64 cr4, cr3, cr0, dr7, dr6, rflags, rip;
    std::array<u8, 0x5d8 - 0x580> reserved_580;
    u64 rsp;
    std::array<u8, 0x5f8 - 0x5e0> reserved_5e0;
    u64 rax, star, lstar, cstar, sfmask, kernel_gs_base, sysenter_cs, sysenter_esp, sysenter_eip, cr2;
    std::array<u8, 0x668 - 0x648> reserved_648;
    u64 pat;
    u64 debug_control;
    std::array<u8, 0x6e0 - 0x678> reserved_678;
    u64 speculation_control;
    std::array<u8, 0x1000 - 0x6e8> reserved_6e8;
};
static_assert(sizeof(Vmcb) == 4096);
static_assert(offsetof(Vmcb, intercepts_3) == 0x00c);
static_assert(offsetof(Vmcb, port_map) == 0x040);
static_assert(offsetof(Vmcb, asid) == 0x058);
static_assert(offsetof(Vmcb, tlb_control) == 0x05c);
static_assert(offsetof(Vmcb, virtual_interrupt) == 0x060);
static_assert(offsetof(Vmcb, interrupt_state) == 0x068);
static_assert(offsetof(Vmcb, exit_code) == 0x070);
static_assert(offsetof(Vmcb, exit_interrupt_information) == 0x088);
static_assert(offsetof(Vmcb, nested_paging) == 0x090);
static_assert(offsetof(Vmcb, event_injection) == 0x0a8);
static_assert(offsetof(Vmcb, nested_cr3) == 0x0b0);
static_assert(offsetof(Vmcb, clean_bits) == 0x0c0);
static_assert(offsetof(Vmcb, next_rip) == 0x0c8);
static_assert(offsetof(Vmcb, es) == 0x400);
static_assert(offsetof(Vmcb, gdtr) == 0x460);
static_assert(offsetof(Vmcb, tr) == 0x490);
static_assert(offsetof(Vmcb, cpl) == 0x4cb);
static_assert(offsetof(Vmcb, efer) == 0x4d0);
static_assert(offsetof(Vmcb, cr4) == 0x548);
static_assert(offsetof(Vmcb, rip) == 0x578);
static_assert(offsetof(Vmcb, rsp) == 0x5d8);
static_assert(offsetof(Vmcb, rax) == 0x5f8);
static_assert(offsetof(Vmcb, cr2) == 0x640);
static_assert(offsetof(Vmcb, pat) == 0x668);
static_assert(offsetof(Vmcb, speculation_control) == 0x6e0);

/// Exit codes. (APM vol. 2, appendix C)
namespace exit_code {
inline constexpr u64 read_cr4 = 0x04;
inline constexpr u64 write_cr4 = 0x14;
inline constexpr u64 exception_first = 0x40;
inline constexpr u64 exception_last = 0x5f;
inline constexpr u64 interrupt = 0x60;
inline constexpr u64 nmi = 0x61;
inline constexpr u64 init = 0x63;
inline constexpr u64 virtual_interrupt = 0x64;
inline constexpr u64 rdpmc = 0x6f;
inline constexpr u64 cpuid = 0x72;
inline constexpr u64 rsm = 0x73;
inline constexpr u64 iret = 0x74;
inline constexpr u64 invd = 0x76;
inline constexpr u64 hlt = 0x78;
inline constexpr u64 invlpga = 0x7a;
inline constexpr u64 port = 0x7b;
inline constexpr u64 msr = 0x7c;
inline constexpr u64 task_switch = 0x7d;
inline constexpr u64 ferr_freeze = 0x7e;
inline constexpr u64 shutdown = 0x7f;
inline constexpr u64 vmrun = 0x80;
inline constexpr u64 vmmcall = 0x81;
inline constexpr u64 vmload = 0x82;
inline constexpr u64 vmsave = 0x83;
inline constexpr u64 stgi = 0x84;
inline constexpr u64 clgi = 0x85;
inline constexpr u64 skinit = 0x86;
inline constexpr u64 wbinvd = 0x89;
inline constexpr u64 monitor = 0x8a;
inline constexpr u64 mwait = 0x8b;
inline constexpr u64 mwait_armed = 0x8c;
inline constexpr u64 xsetbv = 0x8d;
inline constexpr u64 rdpru = 0x8e;
inline constexpr u64 invlpgb = 0xa0;
inline constexpr u64 mcommit = 0xa3;
inline constexpr u64 tlbsync = 0xa4;
inline constexpr u64 table_size = 0xa5;
inline constexpr u64 nested_fault = 0x400;
inline constexpr u64 invalid = ~u64{0};
}

}
