// SPDX-License-Identifier: MIT
/// Which bits of EFER and CR4 a domain's CPU policy gives its guests, on CPUs of both vendors.
#pragma once

#include <optional>

#include "arch/x86_64/cpu/control_registers.hpp"
#include "arch/x86_64/cpuid/cpuid_policy.hpp"
#include "arch/x86_64/guest/vcpu_backend.hpp"

namespace hospes::arch {

/// Bits that a guest may set.
[[nodiscard]] u64 legal_efer(CpuidPolicy const& policy);
[[nodiscard]] u64 legal_cr4(CpuidPolicy const& policy);

/// The registers after `mov value, %cr4`, or nothing where that is #GP(0). `legal`: the bits that may be set.
/// (SDM vol. 3, 2.5 and 4.1)
[[nodiscard]] std::optional<ControlRegisters> after_cr4_write(ControlRegisters before, u64 value, u64 legal);

}
