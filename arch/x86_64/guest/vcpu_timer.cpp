// SPDX-License-Identifier: MIT
/// When a local APIC's timer is armed: while its vCPU is on a CPU, there, or waits for an event.
///
///     the vCPU is …            armed    when the time comes
///     ───────────────────────  ───────  ──────────────────────────────────────────────────────────────────
///     on a CPU                 there    the vCPU is interrupted, by time of its own; a period goes on
///     waiting for an event     once     it is woken; what has expired is computed when it comes to a CPU
///     runnable, but not on     no       nothing: computed when it comes to a CPU, one interrupt for
///       a CPU                             however many periods, with the phase kept
///     paused, down, shut down  no       likewise
///     being destroyed          no       never
///
/// A vCPU that is paused while it waits for an event is woken once, and then waits for nothing but the end of the
/// pause. So what a timer costs while its vCPU does not run is one call for each time that the vCPU has run and waited.
#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "kernel/sched/scheduler.hpp"

namespace hospes::arch {

bool VirtualCpu::waits_for_event() const
{
    return vcpu.waits_for(WaitReason::Halted) || vcpu.waits_for(WaitReason::Polling);
}

/// Who sets it is the vCPU itself, or the toolstack while the vCPU does not run.
void VirtualCpu::arm_timer(u64 deadline)
{
    if (scheduler::current() != &vcpu && !waits_for_event()) return;
    timer_armed_ = true;
    timers::set(apic_timer_, this_cpu(), deadline);
}

void VirtualCpu::disarm_timer()
{
    if (!timer_armed_) return;
    timers::cancel(apic_timer_);
    timer_armed_ = false;
}

/// First without the timer that may be armed on the CPU where the vCPU has waited, or run there this moment.
void VirtualCpu::resume_counting_timer()
{
    disarm_timer();
    local_apic.resume_timer();
}

/// On the CPU that it was armed on. Only if the vCPU is there as well may its APIC be touched.
void VirtualCpu::timer_fired(Timer& timer)
{
    VirtualCpu& self = *static_cast<VirtualCpu*>(timer.context);
    if (scheduler::current() == &self.vcpu)
        self.local_apic.resume_timer();
    else
        self.vcpu.notice_event();
}

}
