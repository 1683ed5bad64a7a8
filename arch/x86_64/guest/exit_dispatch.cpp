// SPDX-License-Identifier: MIT
#include "arch/x86_64/guest/exit_dispatch.hpp"

#include "arch/x86_64/guest/virtual_cpu.hpp"

namespace hospes::arch {

PerCpu<ExitCounters> exit_counters;

namespace {

using Handler = void (*)(VirtualCpu&, Exit const&);

struct Row {
    ExitKind kind;
    Handler handler;
};

constexpr auto rows = std::to_array<Row>({
    {ExitKind::HostInterrupt, handle_host_interrupt},
    {ExitKind::HostNmi, handle_nothing},
    {ExitKind::MachineCheck, handle_machine_check},
    {ExitKind::InterruptWindow, handle_window},
    {ExitKind::NmiWindow, handle_window},
    {ExitKind::Exception, handle_exception},
    {ExitKind::Cpuid, handle_cpuid},
    {ExitKind::Halt, handle_halt},
    {ExitKind::Hypercall, handle_hypercall},
    {ExitKind::ReadMsr, handle_read_msr},
    {ExitKind::WriteMsr, handle_write_msr},
    {ExitKind::Port, handle_port},
    {ExitKind::MemoryFault, handle_memory_fault},
    {ExitKind::WriteXcr, handle_write_xcr},
    {ExitKind::FlushCaches, handle_flush_caches},
    {ExitKind::RefusedInstruction, handle_refused_instruction},
    {ExitKind::Completed, handle_nothing},
    {ExitKind::TripleFault, handle_triple_fault},
    {ExitKind::TaskSwitch, handle_task_switch},
    {ExitKind::EntryFailure, handle_entry_failure},
    {ExitKind::Unknown, handle_unknown},
});

consteval bool is_indexed_by_kind()
{
    for (size_t i = 0; i < rows.size(); ++i)
        if (static_cast<size_t>(rows[i].kind) != i) return false;
    return rows.size() == exit_kind_count;
}
static_assert(is_indexed_by_kind());

}

void dispatch_exit(VirtualCpu& machine, Exit const& exit)
{
    size_t const index = static_cast<size_t>(exit.kind);
    ++machine.exits->count[index];
    rows[index].handler(machine, exit);
}

}
