// SPDX-License-Identifier: MIT
/// The table of exits: kind, name, handler.
#include "arch/x86_64/guest/exit_dispatch.hpp"

#include "arch/x86_64/guest/virtual_cpu.hpp"

namespace hospes::arch {

constinit PerCpu<ExitCounters> exit_counters;

namespace {

using Handler = void (*)(VirtualCpu&, Exit const&);

struct Row {
    ExitKind kind;
    std::string_view name;
    Handler handler;
};

/// Remembers the exit for the log. Hypercalls and CPUID go without: a guest makes them by the million, and what they
/// were its registers tell.
template <Handler handle>
void noted(VirtualCpu& cpu, Exit const& exit)
{
    cpu.recent_exits.note(exit.kind);
    handle(cpu, exit);
}

constexpr auto rows = std::to_array<Row>({
    {ExitKind::HostInterrupt, "host interrupt", noted<handle_nothing>},
    {ExitKind::HostNmi, "host NMI", noted<handle_nothing>},
    {ExitKind::MachineCheck, "machine check", noted<handle_machine_check>},
    {ExitKind::InterruptWindow, "interrupt window", noted<handle_window>},
    {ExitKind::NmiWindow, "NMI window", noted<handle_window>},
    {ExitKind::Cpuid, "CPUID", handle_cpuid},
    {ExitKind::Halt, "HLT", noted<handle_halt>},
    {ExitKind::Hypercall, "hypercall", handle_hypercall},
    {ExitKind::ReadMsr, "RDMSR", noted<handle_read_msr>},
    {ExitKind::WriteMsr, "WRMSR", noted<handle_write_msr>},
    {ExitKind::WriteXcr, "XSETBV", noted<handle_write_xcr>},
    {ExitKind::FlushCaches, "cache flush", noted<handle_flush_caches>},
    {ExitKind::RefusedInstruction, "refused instruction", noted<handle_refused_instruction>},
    {ExitKind::ControlRegister, "control register", noted<handle_control_register>},
    {ExitKind::TripleFault, "triple fault", noted<handle_triple_fault>},
    {ExitKind::TaskSwitch, "task switch", noted<handle_task_switch>},
    {ExitKind::EntryFailure, "entry failure", noted<handle_entry_failure>},
    {ExitKind::Exception, "exception", noted<handle_exception>},
    {ExitKind::Port, "port", noted<handle_port>},
    {ExitKind::MemoryFault, "second stage", noted<handle_memory_fault>},
    {ExitKind::EndOfInterrupt, "end of interrupt", noted<handle_end_of_interrupt>},
    {ExitKind::ApicWrite, "APIC write", noted<handle_apic_write>},
    {ExitKind::Unknown, "unknown", noted<handle_unknown>},
});

consteval bool is_indexed_by_kind()
{
    for (size_t i = 0; i < rows.size(); ++i)
        if (static_cast<size_t>(rows[i].kind) != i) return false;
    return rows.size() == exit_kind_count;
}
static_assert(is_indexed_by_kind());

}

std::span<Counter> exit_counters_of(unsigned cpu) { return exit_counters.of(cpu).count; }

std::string_view exit_name(size_t number) { return rows[number].name; }

void dispatch_exit(VirtualCpu& cpu, Exit const& exit)
{
    size_t const index = static_cast<size_t>(exit.kind);
    ++cpu.exits->count[index];
    rows[index].handler(cpu, exit);
}

}
