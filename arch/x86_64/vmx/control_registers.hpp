// SPDX-License-Identifier: MIT
/// A guest's writes to CR0 and CR4 that reach a bit which is ours: the rules of MOV to CR0, in software; those of CR4
/// are in arch/x86_64/guest/control_policy.hpp. (SDM vol. 3, 2.5, 4.1 and 24.8)
#pragma once

#include "arch/x86_64/cpu/control_registers.hpp"
#include "arch/x86_64/guest/vcpu_backend.hpp"

namespace hospes::vmx {

/// CR0 bits that guests see but do not have: the CPU insists on some (SDM vol. 3, A.7), and caches stay on.
[[nodiscard]] u64 own_cr0_bits(u64 must_be_one, u64 may_be_one);

/// CR4 bits that guests change without our help, if their CPU policy has them. Others are not for them, or the CPU's
/// machine check depends on them.
inline constexpr u64 guest_cr4_bits =
    Cr4::VirtualMode8086::mask | Cr4::ProtectedVirtualInterrupts::mask | Cr4::TimeStampDisable::mask |
    Cr4::DebuggingExtensions::mask | Cr4::PageSizeExtensions::mask | Cr4::PhysicalAddressExtension::mask |
    Cr4::PageGlobalEnable::mask | Cr4::PerformanceCounterEnable::mask | Cr4::FxsaveSupport::mask |
    Cr4::SimdExceptions::mask | Cr4::UserModeInstructionPrevention::mask | Cr4::FsGsBase::mask |
    Cr4::ProcessContextId::mask | Cr4::XsaveEnable::mask | Cr4::SupervisorExecutionPrevention::mask |
    Cr4::SupervisorAccessPrevention::mask | Cr4::ProtectionKeys::mask;
/// Guests may set these, but what they set does not reach the CPU.
inline constexpr u64 shadowed_cr4_bits = Cr4::MachineCheckEnable::mask; ///< cleared, our #MC would be a shutdown

/// The registers after `mov value, %cr0`, or nothing where that is #GP(0).
[[nodiscard]] std::optional<arch::ControlRegisters> after_cr0_write(arch::ControlRegisters before, u64 value,
                                                                    bool in_64_bit_code);
/// The value that LMSW gives CR0. (SDM vol. 2, LMSW)
[[nodiscard]] u64 cr0_after_lmsw(u64 cr0, u16 source);

}
