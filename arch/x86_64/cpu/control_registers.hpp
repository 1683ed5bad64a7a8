// SPDX-License-Identifier: MIT
/// CR0, CR3, CR4, XCR0, EFER and RFLAGS: layouts, and reading and writing those that are registers of the CPU.
/// (AMD64 APM volume 2, section 3.1 and 11.5.2; Intel SDM volume 3, section 2.5 and 2.6.)
#pragma once

#include "kernel/lib/bit_register.hpp"

namespace hospes {

struct Cr0 : Register<Cr0> {
    using Register::Register;
    using ProtectedMode = Field<Cr0, 0>;
    using MonitorCoprocessor = Field<Cr0, 1>;
    using Emulation = Field<Cr0, 2>;
    using TaskSwitched = Field<Cr0, 3>;
    using ExtensionType = Field<Cr0, 4>;
    using NumericError = Field<Cr0, 5>;
    using WriteProtect = Field<Cr0, 16>;
    using AlignmentMask = Field<Cr0, 18>;
    using NotWriteThrough = Field<Cr0, 29>;
    using CacheDisable = Field<Cr0, 30>;
    using Paging = Field<Cr0, 31>;
};

struct Cr3 : Register<Cr3> {
    using Register::Register;
    using WriteThrough = Field<Cr3, 3>;
    using CacheDisable = Field<Cr3, 4>;
    using TableFrame = Field<Cr3, 51, 12, u64>;
};

struct Cr4 : Register<Cr4> {
    using Register::Register;
    using VirtualMode8086 = Field<Cr4, 0>;
    using ProtectedVirtualInterrupts = Field<Cr4, 1>;
    using TimeStampDisable = Field<Cr4, 2>;
    using DebuggingExtensions = Field<Cr4, 3>;
    using PageSizeExtensions = Field<Cr4, 4>;
    using PhysicalAddressExtension = Field<Cr4, 5>;
    using MachineCheckEnable = Field<Cr4, 6>;
    using PageGlobalEnable = Field<Cr4, 7>;
    using PerformanceCounterEnable = Field<Cr4, 8>;
    using FxsaveSupport = Field<Cr4, 9>;
    using SimdExceptions = Field<Cr4, 10>;
    using UserModeInstructionPrevention = Field<Cr4, 11>;
    using LinearAddress57 = Field<Cr4, 12>;
    using VmxEnable = Field<Cr4, 13>;
    using FsGsBase = Field<Cr4, 16>;
    using ProcessContextId = Field<Cr4, 17>;
    using XsaveEnable = Field<Cr4, 18>;
    using SupervisorExecutionPrevention = Field<Cr4, 20>;
    using SupervisorAccessPrevention = Field<Cr4, 21>;
    using ProtectionKeys = Field<Cr4, 22>;
};

/// Extended feature enable register. (APM volume 2, section 3.1.7)
struct Efer : Register<Efer> {
    using Register::Register;
    using SystemCallExtensions = Field<Efer, 0>;
    using LongModeEnable = Field<Efer, 8>;
    using LongModeActive = Field<Efer, 10>;
    using NoExecuteEnable = Field<Efer, 11>;
    using SvmEnable = Field<Efer, 12>;
    using LongModeSegmentLimit = Field<Efer, 13>;
    using FastFxsave = Field<Efer, 14>;
    using TranslationCacheExtension = Field<Efer, 15>;
};

struct Rflags : Register<Rflags> {
    using Register::Register;
    using Carry = Field<Rflags, 0>;
    using AlwaysOne = Field<Rflags, 1>;
    using Parity = Field<Rflags, 2>;
    using Auxiliary = Field<Rflags, 4>;
    using Zero = Field<Rflags, 6>;
    using Sign = Field<Rflags, 7>;
    using Trap = Field<Rflags, 8>;
    using InterruptEnable = Field<Rflags, 9>;
    using Direction = Field<Rflags, 10>;
    using Overflow = Field<Rflags, 11>;
    using IoPrivilege = Field<Rflags, 13, 12, u8>;
    using NestedTask = Field<Rflags, 14>;
    using Resume = Field<Rflags, 16>;
    using Virtual8086 = Field<Rflags, 17>;
    using AlignmentCheck = Field<Rflags, 18>;
    using VirtualInterrupt = Field<Rflags, 19>;
    using VirtualInterruptPending = Field<Rflags, 20>;
    using Identification = Field<Rflags, 21>;
};

/// Which register state XSAVE manages. (SDM volume 1, section 13.3)
struct Xcr0 : Register<Xcr0> {
    using Register::Register;
    using X87 = Field<Xcr0, 0>;
    using Sse = Field<Xcr0, 1>;
    using Avx = Field<Xcr0, 2>;
    using BoundRegisters = Field<Xcr0, 3>;
    using BoundStatus = Field<Xcr0, 4>;
    using OpMask = Field<Xcr0, 5>;
    using ZmmHigh256 = Field<Xcr0, 6>;
    using ZmmHigh16 = Field<Xcr0, 7>;
    using ProtectionKeys = Field<Xcr0, 9>;
};

inline Cr0 read_cr0()
{
    u64 raw;
    asm volatile("mov %%cr0, %0" : "=r"(raw));
    return Cr0{raw};
}
inline void write_cr0(Cr0 value) { asm volatile("mov %0, %%cr0" : : "r"(value.raw()) : "memory"); }

/// The linear address of the last page fault.
inline u64 read_cr2()
{
    u64 raw;
    asm volatile("mov %%cr2, %0" : "=r"(raw));
    return raw;
}
inline void write_cr2(u64 value) { asm volatile("mov %0, %%cr2" : : "r"(value)); }

inline Cr3 read_cr3()
{
    u64 raw;
    asm volatile("mov %%cr3, %0" : "=r"(raw));
    return Cr3{raw};
}
inline void write_cr3(Cr3 value) { asm volatile("mov %0, %%cr3" : : "r"(value.raw()) : "memory"); }

inline Cr4 read_cr4()
{
    u64 raw;
    asm volatile("mov %%cr4, %0" : "=r"(raw));
    return Cr4{raw};
}
inline void write_cr4(Cr4 value) { asm volatile("mov %0, %%cr4" : : "r"(value.raw()) : "memory"); }

/// Both need CR4.XsaveEnable.
inline Xcr0 read_xcr0()
{
    u32 low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return Xcr0{u64{high} << 32 | low};
}
inline void write_xcr0(Xcr0 value)
{
    asm volatile("xsetbv" : : "c"(0), "a"(static_cast<u32>(value.raw())), "d"(static_cast<u32>(value.raw() >> 32)));
}

inline Rflags read_rflags()
{
    u64 raw;
    asm volatile("pushfq; pop %0" : "=r"(raw));
    return Rflags{raw};
}

}
