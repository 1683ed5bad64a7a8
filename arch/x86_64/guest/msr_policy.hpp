// SPDX-License-Identifier: MIT
/// Which MSRs guests have, and what reading and writing them means: one table. (abi.md 4.6)
#pragma once

#include <array>

#include "arch/x86_64/cpu/msr.hpp"
#include "kernel/lib/error.hpp"
#include "kernel/lib/integers.hpp"

namespace hospes::arch {

class VirtualCpu;

/// Used by guests directly: they are switched with the vCPU and cannot be set to anything harmful.
inline constexpr std::array<u32, 10> pass_through_msrs{
    msr::sysenter_cs, msr::sysenter_esp, msr::sysenter_eip,   msr::star,           msr::lstar,
    msr::cstar,       msr::sfmask,       msr::fs_base.number, msr::gs_base.number, msr::kernel_gs_base,
};

/// Errors are #GP for the guest.
struct MsrRule {
    u32 first;
    u32 last;
    Expected<u64> (*read)(VirtualCpu& cpu, u32 number);
    Expected<> (*write)(VirtualCpu& cpu, u32 number, u64 value);
};

/// Null if there is no rule: the MSR does not exist for guests.
[[nodiscard]] MsrRule const* find_msr_rule(u32 number);

/// By the rule for `number`; without one, NotFound, but for the control domain where the machine has the register.
/// Errors are #GP for the guest.
[[nodiscard]] Expected<u64> read_guest_msr(VirtualCpu& cpu, u32 number);
[[nodiscard]] Expected<> write_guest_msr(VirtualCpu& cpu, u32 number, u64 value);

}
