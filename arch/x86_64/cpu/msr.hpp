// SPDX-License-Identifier: MIT
/// Model-specific registers: number and layout together.
#pragma once

#include "arch/x86_64/cpu/control_registers.hpp"
#include "arch/x86_64/cpu/exception_fixup.hpp"
#include "kernel/lib/bit_register.hpp"
#include "kernel/lib/error.hpp"

namespace hospes {

/// The MSR `number`, whose value is a `Layout_`.
template <typename Layout_>
struct Msr {
    using Layout = Layout_;
    u32 number;
};

inline u64 read_msr(u32 number)
{
    u32 low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number) : "memory");
    return u64{high} << 32 | low;
}
inline void write_msr(u32 number, u64 value)
{
    asm volatile("wrmsr" : : "c"(number), "a"(static_cast<u32>(value)), "d"(static_cast<u32>(value >> 32)) : "memory");
}

template <typename Layout>
[[nodiscard]] Layout read(Msr<Layout> msr)
{
    return Layout{read_msr(msr.number)};
}
template <typename Layout>
void write(Msr<Layout> msr, Layout value)
{
    if constexpr (std::integral<Layout>)
        write_msr(msr.number, value);
    else
        write_msr(msr.number, value.raw());
}

/// For registers that this CPU may lack: NotFound if reading raises an exception.
[[nodiscard]] inline Expected<u64> read_msr_safe(u32 number)
{
    u32 low = 0, high = 0, faulted = 1;
    asm volatile("1: rdmsr\n"
                 "   mov $0, %2\n"
                 "2:\n" HOSPES_EXCEPTION_FIXUP("1b", "2b")
                 : "+&a"(low), "+&d"(high), "+&r"(faulted)
                 : "c"(number)
                 : "memory");
    if (faulted != 0) return failure(Error::NotFound);
    return u64{high} << 32 | low;
}
[[nodiscard]] inline Expected<> write_msr_safe(u32 number, u64 value)
{
    u32 faulted = 1;
    asm volatile("1: wrmsr\n"
                 "   mov $0, %0\n"
                 "2:\n" HOSPES_EXCEPTION_FIXUP("1b", "2b")
                 : "+&r"(faulted)
                 : "c"(number), "a"(static_cast<u32>(value)), "d"(static_cast<u32>(value >> 32))
                 : "memory");
    if (faulted != 0) return failure(Error::NotFound);
    return {};
}

/// Where the local APIC is, and in which mode. (SDM volume 3, section 11.4.4 and 11.12.1)
struct ApicBase : Register<ApicBase> {
    using Register::Register;
    using BootstrapProcessor = Field<ApicBase, 8>;
    using X2ApicEnable = Field<ApicBase, 10>;
    using GlobalEnable = Field<ApicBase, 11>;
    using Frame = Field<ApicBase, 51, 12, u64>;
};

/// What the machine-check architecture of this CPU has. (SDM volume 3, section 16.3.1)
struct MachineCheckCapabilities : Register<MachineCheckCapabilities> {
    using Register::Register;
    using BankCount = Field<MachineCheckCapabilities, 7, 0, unsigned>;
    using ControlPresent = Field<MachineCheckCapabilities, 8>;
};

struct MachineCheckStatus : Register<MachineCheckStatus> {
    using Register::Register;
    using ErrorCode = Field<MachineCheckStatus, 15, 0, u16>;
    using AddressValid = Field<MachineCheckStatus, 58>;
    using MiscellaneousValid = Field<MachineCheckStatus, 59>;
    using Uncorrected = Field<MachineCheckStatus, 61>;
    using Valid = Field<MachineCheckStatus, 63>;
};

/// (APM vol. 2, 15.30.1)
struct VmCr : Register<VmCr> {
    using Register::Register;
    using Lock = Field<VmCr, 3>;
    using SvmDisable = Field<VmCr, 4>;
};

/// (SDM vol. 3, 24.7; vol. 4, MSR 3Ah)
struct FeatureControl : Register<FeatureControl> {
    using Register::Register;
    using Locked = Field<FeatureControl, 0>;
    using VmxOutsideSmx = Field<FeatureControl, 2>;
};
/// VMXON cannot be executed, whoever tries.
[[nodiscard]] constexpr bool is_locked_off(FeatureControl value)
{
    return value.get<FeatureControl::Locked>() && !value.get<FeatureControl::VmxOutsideSmx>();
}

namespace msr {
inline constexpr Msr<ApicBase> apic_base{0x1b};
inline constexpr Msr<FeatureControl> feature_control{0x3a};
inline constexpr Msr<u64> prediction_command{0x49}; ///< (APM vol. 2, 3.2.9)
inline constexpr Msr<VmCr> vm_cr{0xc001'0114};
inline constexpr Msr<u64> fs_base{0xc000'0100};
inline constexpr Msr<u64> gs_base{0xc000'0101};
inline constexpr Msr<u64> tsc_aux{0xc000'0103}; ///< (APM vol. 2, 3.2.8)

/// Where SYSENTER, SYSCALL and SWAPGS take their values from. (SDM vol. 4, table 2-2)
inline constexpr u32 sysenter_cs = 0x174, sysenter_esp = 0x175, sysenter_eip = 0x176;
inline constexpr u32 star = 0xc000'0081, lstar = 0xc000'0082, cstar = 0xc000'0083, sfmask = 0xc000'0084;
inline constexpr u32 kernel_gs_base = 0xc000'0102;

inline constexpr Msr<u64> page_attribute_table{0x277};
inline constexpr Msr<u64> tsc_deadline{0x6e0};
inline constexpr Msr<Efer> efer{0xc000'0080};
inline constexpr Msr<MachineCheckCapabilities> machine_check_capabilities{0x179};
inline constexpr Msr<u64> machine_check_global_status{0x17a};
inline constexpr Msr<u64> machine_check_global_control{0x17b};

/// Each bank has four registers: control, status, address, miscellaneous. (SDM volume 3, section 16.3.2)
[[nodiscard]] constexpr Msr<u64> machine_check_control(unsigned bank) { return {0x400 + 4 * bank}; }
[[nodiscard]] constexpr Msr<MachineCheckStatus> machine_check_status(unsigned bank) { return {0x401 + 4 * bank}; }
[[nodiscard]] constexpr Msr<u64> machine_check_address(unsigned bank) { return {0x402 + 4 * bank}; }

/// Register `offset` (as in the xAPIC page) of a local APIC in x2APIC mode. (SDM volume 3, section 11.12.1.2)
[[nodiscard]] constexpr u32 x2apic_register(u32 offset) { return 0x800 + offset / 16; }
}

}
