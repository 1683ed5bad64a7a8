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

namespace msr {
inline constexpr Msr<ApicBase> apic_base{0x1b};
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
