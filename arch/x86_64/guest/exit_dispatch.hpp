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
void dispatch_exit(VirtualCpu& cpu, Exit const& exit);

/// How often guests left, by reason and CPU (design.md D18).
struct ExitCounters {
    std::array<Counter, exit_kind_count> count;
};
extern PerCpu<ExitCounters> exit_counters;

// The handlers, by theme: exit_system.cpp, exit_cpuid.cpp, exit_msr.cpp, exit_hypercall.cpp, exit_port.cpp,
// exit_memory.cpp.
void handle_nothing(VirtualCpu& cpu, Exit const& exit);
void handle_machine_check(VirtualCpu& cpu, Exit const& exit);
void handle_window(VirtualCpu& cpu, Exit const& exit);
void handle_exception(VirtualCpu& cpu, Exit const& exit);
void handle_cpuid(VirtualCpu& cpu, Exit const& exit);
void handle_halt(VirtualCpu& cpu, Exit const& exit);
void handle_hypercall(VirtualCpu& cpu, Exit const& exit);
void handle_read_msr(VirtualCpu& cpu, Exit const& exit);
void handle_write_msr(VirtualCpu& cpu, Exit const& exit);
void handle_port(VirtualCpu& cpu, Exit const& exit);
void handle_memory_fault(VirtualCpu& cpu, Exit const& exit);
void handle_end_of_interrupt(VirtualCpu& cpu, Exit const& exit);
void handle_apic_write(VirtualCpu& cpu, Exit const& exit);
void handle_write_xcr(VirtualCpu& cpu, Exit const& exit);
void handle_flush_caches(VirtualCpu& cpu, Exit const& exit);
void handle_control_register(VirtualCpu& cpu, Exit const& exit);
void handle_refused_instruction(VirtualCpu& cpu, Exit const& exit);
void handle_triple_fault(VirtualCpu& cpu, Exit const& exit);
void handle_task_switch(VirtualCpu& cpu, Exit const& exit);
void handle_entry_failure(VirtualCpu& cpu, Exit const& exit);
void handle_unknown(VirtualCpu& cpu, Exit const& exit);

/// Steps over the instruction; where that fails the guest gets #UD and false is returned.
[[nodiscard]] bool step_over(VirtualCpu& cpu);

}
