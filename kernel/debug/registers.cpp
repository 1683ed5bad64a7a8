// SPDX-License-Identifier: MIT
/// Reading a vCPU's registers without waiting for it: a debug key may be answered by a timer of the CPU that runs it.
#include "kernel/debug/registers.hpp"

#include "kernel/arch/cpu.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/log/log.hpp"
#include "kernel/sched/scheduler.hpp"

namespace hospes {

namespace {

bool runs_here(Vcpu const& vcpu) { return vcpu.scheduling.on_cpu.load() == static_cast<s32>(arch::this_cpu()); }

/// Logs the line if no CPU runs the vCPU, and keeps it off them meanwhile. False if one does. Nothing is said if
/// another CPU is reading it at this moment, or the toolstack is: what it loads must not be looked at by two.
bool show_while_off_its_cpu(Vcpu& vcpu, u32 line)
{
    auto const turn = vcpu.domain().control_turn.try_take();
    if (!turn && line == 0)
        log_info("domain {} vcpu {}: the toolstack is at work on it", vcpu.domain().id(), vcpu.id());
    if (!turn || vcpu.set_waiting(WaitReason::Examined)) return true;
    bool const is_off = !scheduler::is_on_cpu(vcpu);
    if (is_off) arch::log_state_line(vcpu, line);
    vcpu.clear_waiting(WaitReason::Examined);
    return is_off;
}

}

void show_register_line(Vcpu& vcpu, u32 line)
{
    if (runs_here(vcpu)) return arch::log_state_line(vcpu, line);
    bool const runs_elsewhere = scheduler::is_on_cpu(vcpu) || !show_while_off_its_cpu(vcpu, line);
    if (runs_elsewhere && line == 0) arch::ask_for_state(vcpu);
}

}
