// SPDX-License-Identifier: MIT
/// How long each vCPU ran, waited, slept or was off; and the guest's copies of that and of its time record.
/// (xen/include/public/vcpu.h, VCPUOP_register_runstate_memory_area; abi.md 4.3.)
#pragma once

#include "kernel/abi/xen/vcpu.hpp"
#include "kernel/domain/vcpu.hpp"

namespace hospes::run_state {

/// Books the time since the last change to the old state.
void change(Vcpu& vcpu, RunState::Kind to, u64 now);
/// The counters as they are at `now`.
[[nodiscard]] xen::RunstateInfo read(Vcpu const& vcpu, u64 now);
/// Brings the guest's copy up to date, if it has registered one.
void publish(Vcpu& vcpu);

/// Finds the memory behind the linear address `where` now, in the caller's address space, for `bytes` bytes; later
/// updates happen with other address spaces loaded. BadAddress if it is not mapped writable.
[[nodiscard]] Expected<RunState::Area> pin_area(Vcpu& caller, Gva where, u64 bytes);
/// Writes `bytes` into an area, from `offset` on.
void write_area(RunState::Area const& area, u64 offset, std::span<u8 const> bytes);

}
