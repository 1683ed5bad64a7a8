// SPDX-License-Identifier: MIT
/// Which MSRs guests have, and what reading and writing them means: one table. (abi.md 4.6)
#pragma once

#include <array>

#include "kernel/lib/error.hpp"
#include "kernel/lib/integers.hpp"

namespace hospes::arch {

class VirtualCpu;

/// Used by guests directly: they are switched with the vCPU and cannot be set to anything harmful.
inline constexpr std::array<u32, 10> pass_through_msrs{
    0x174,       0x175,       0x176,       // SYSENTER_CS, _ESP, _EIP
    0xc000'0081, 0xc000'0082, 0xc000'0083, // STAR, LSTAR, CSTAR
    0xc000'0084,                           // SFMASK
    0xc000'0100, 0xc000'0101, 0xc000'0102, // FS_BASE, GS_BASE, KERNEL_GS_BASE
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

[[nodiscard]] Expected<u64> read_guest_msr(VirtualCpu& cpu, u32 number);
[[nodiscard]] Expected<> write_guest_msr(VirtualCpu& cpu, u32 number, u64 value);

}
