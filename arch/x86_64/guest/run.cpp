// SPDX-License-Identifier: MIT
/// Running a vCPU: prepare, enter, leave, handle; until this CPU should do something else (design.md D10).
#include "arch/x86_64/guest/exit_dispatch.hpp"
#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/domain/guest_presence.hpp"
#include "kernel/sched/scheduler.hpp"

namespace hospes::arch {

/// Interrupts stay disabled from the checks to the entry: a kick or nudge that arrives in between is still pending at
/// the entry and ends it at once, so nothing is overlooked. They are let in each time round, whatever it brought: an
/// exit can come before the guest has executed an instruction, and so before the CPU has looked at its interrupts (an
/// event whose delivery fails, #DB and #AC from a delivery, an interrupt window, all of which a guest can repeat for
/// ever. SDM vol. 3, 27.7 and table 7-2; APM vol. 2, 15.20).
void run(Vcpu& vcpu)
{
    VirtualCpu& cpu = vcpu.virtual_cpu();
    GuestPresence presence{vcpu};
    for (; !scheduler::should_switch(vcpu); service_interrupts()) {
        if (cpu.has_request()) [[unlikely]] {
            cpu.apply_requests();
            continue;
        }
        bool const flush = presence.enter();
        cpu.prepare_events();
        Exit const exit = cpu.backend->enter(flush);
        presence.leave();
        dispatch_exit(cpu, exit);
    }
}

}
