// SPDX-License-Identifier: MIT
/// Which vCPU runs where. Per-CPU run queues; proportional share by weight, caps, affinity, work stealing, wake-up
/// preemption; no tick while there is nothing to decide (design.md D15). The arithmetic is pure code in policy.hpp.
#pragma once

#include "kernel/domain/vcpu.hpp"

namespace hospes::scheduler {

/// Called once, after all CPUs run.
void initialize();
/// Gives a new vCPU a home.
void add(Vcpu& vcpu);
/// Takes a vCPU away for good; it is not runnable and off its CPU.
void remove(Vcpu& vcpu);

/// The vCPU has just become runnable: queue it, preempt or wake a CPU for it. Any CPU may call. Idempotent.
void wake(Vcpu& vcpu);
/// The vCPU has just become unrunnable: makes the CPU that runs it look. Does not wait.
void deschedule(Vcpu& vcpu);
/// Changes a domain's weight and cap. They count from now on: what its vCPUs have run so far is booked by the old ones.
void set_share(Domain& domain, u32 weight, u32 cap_percent);
/// A vCPU that runs is judged anew, and looks for what was asked of it.
void reconsider(Vcpu const& vcpu);
/// True while some CPU's run loop has the vCPU.
[[nodiscard]] bool is_on_cpu(Vcpu const& vcpu);
/// The running vCPU lets others of its CPU go first.
void yield(Vcpu& current);

/// Must the running vCPU give up this CPU now? Checked by arch::run() before each entry. Cheap.
[[nodiscard]] bool should_switch(Vcpu const& current);
/// The vCPU that this CPU's run loop has; null when idle.
[[nodiscard]] Vcpu* current();

/// This CPU's loop: pick, run, account, or wait. Never returns; needs nothing from its caller's frame.
[[noreturn]] void run();

/// Where the vCPU may run, and where it had better. Invalid if `hard` has no CPU that runs.
[[nodiscard]] Expected<> set_affinity(Vcpu& vcpu, CpuSet const& hard, CpuSet const& soft);
[[nodiscard]] u64 running_time(Vcpu const& vcpu); ///< ns
[[nodiscard]] u64 idle_time(unsigned cpu);        ///< ns

}
