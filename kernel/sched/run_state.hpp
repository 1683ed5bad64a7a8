// SPDX-License-Identifier: MIT
/// How long each vCPU ran, waited, slept or was off; and the guest's copy of that.
/// (xen/include/public/vcpu.h, VCPUOP_register_runstate_memory_area; abi.md 4.3.)
#pragma once

#include "kernel/abi/xen/vcpu.hpp"
#include "kernel/domain/vcpu.hpp"

namespace hospes::run_state {

/// As the ABI writes it.
[[nodiscard]] xen::RunstateInfo describe(RunState::Times const& times);
/// Brings the guest's copy up to date, if it has registered one. Takes LockRank::VcpuAreas.
void publish(Vcpu& vcpu);
/// The same, for who holds the vCPU's areas.
void publish(Vcpu const& vcpu, SharedAreas const& areas);

}
