// SPDX-License-Identifier: MIT
/// From the reason of an exit to the code that handles it.
#pragma once

#include <array>

#include "arch/x86_64/guest/exit.hpp"
#include "kernel/arch/cpu.hpp"
#include "kernel/arch/exit_counters.hpp"

namespace hospes::arch {

class VirtualCpu;

/// Handles one exit. Returns soon; what takes long continues at the next entry.
void dispatch_exit(VirtualCpu& machine, Exit const& exit);

/// How often guests left, by reason and CPU (design.md D18).
struct ExitCounters {
    std::array<Counter, exit_kind_count> count;
};
extern PerCpu<ExitCounters> exit_counters;

// The handlers, by theme: exit_system.cpp, exit_cpuid.cpp, exit_msr.cpp, exit_hypercall.cpp, exit_port.cpp,
// exit_memory.cpp.
void handle_nothing(VirtualCpu& machine, Exit const& exit);
void handle_machine_check(VirtualCpu& machine, Exit const& exit);
void handle_window(VirtualCpu& machine, Exit const& exit);
void handle_exception(VirtualCpu& machine, Exit const& exit);
void handle_cpuid(VirtualCpu& machine, Exit const& exit);
void handle_halt(VirtualCpu& machine, Exit const& exit);
void handle_hypercall(VirtualCpu& machine, Exit const& exit);
void handle_read_msr(VirtualCpu& machine, Exit const& exit);
void handle_write_msr(VirtualCpu& machine, Exit const& exit);
void handle_port(VirtualCpu& machine, Exit const& exit);
void handle_memory_fault(VirtualCpu& machine, Exit const& exit);
void handle_end_of_interrupt(VirtualCpu& machine, Exit const& exit);
void handle_apic_write(VirtualCpu& machine, Exit const& exit);
void handle_write_xcr(VirtualCpu& machine, Exit const& exit);
void handle_flush_caches(VirtualCpu& machine, Exit const& exit);
void handle_control_register(VirtualCpu& machine, Exit const& exit);
void handle_refused_instruction(VirtualCpu& machine, Exit const& exit);
void handle_triple_fault(VirtualCpu& machine, Exit const& exit);
void handle_task_switch(VirtualCpu& machine, Exit const& exit);
void handle_entry_failure(VirtualCpu& machine, Exit const& exit);
void handle_unknown(VirtualCpu& machine, Exit const& exit);

/// Steps over the instruction; where that fails the guest gets #UD and false is returned.
[[nodiscard]] bool step_over(VirtualCpu& machine);

}
