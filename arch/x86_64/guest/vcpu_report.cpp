// SPDX-License-Identifier: MIT
/// A vCPU's state as lines of the log.
#include "arch/x86_64/guest/vcpu_report.hpp"

#include "arch/x86_64/guest/exit_dispatch.hpp"
#include "kernel/lib/bounded_text.hpp"
#include "kernel/log/console.hpp"
#include "kernel/sched/scheduler.hpp"

namespace hospes::arch {

namespace {

using emulator::Gpr;

constexpr std::string_view is_asked_for = "as asked for";

template <typename... T>
void say(LogLevel level, FormatString<T...> format, T const&... values)
{
    log_line(level, format.text(), FormatArguments<sizeof...(T)>{values...}.span());
}

void log_place(LogLevel level, VirtualCpu const& cpu, std::string_view why)
{
    GeneralRegisters const& registers = cpu.backend->registers();
    say(level, "domain {} vcpu {}: {}; rip {:x} rsp {:x} rflags {:x}", cpu.vcpu.domain().id(), cpu.vcpu.id(), why,
        registers.rip, registers[Gpr::Rsp], registers.rflags);
}

// Lines of several vCPUs may mix, so that each says whose it is.

void log_controls(LogLevel level, VirtualCpu const& cpu)
{
    ControlRegisters const controls = cpu.backend->controls();
    say(level, "  d{}v{} cr0 {:x} cr2 {:x} cr3 {:x} cr4 {:x} efer {:x}", cpu.vcpu.domain().id(), cpu.vcpu.id(),
        controls.cr0, controls.cr2, controls.cr3, controls.cr4, controls.efer);
}

void log_general(LogLevel level, VirtualCpu const& cpu)
{
    GeneralRegisters const& r = cpu.backend->registers();
    say(level, "  d{}v{} rax {:x} rbx {:x} rcx {:x} rdx {:x} rsi {:x} rdi {:x}", cpu.vcpu.domain().id(), cpu.vcpu.id(),
        r[Gpr::Rax], r[Gpr::Rbx], r[Gpr::Rcx], r[Gpr::Rdx], r[Gpr::Rsi], r[Gpr::Rdi]);
}

void log_exits(LogLevel level, VirtualCpu const& cpu)
{
    BoundedText<200> kinds;
    for (unsigned number = 0; number < RecentExits::most; ++number) {
        auto const kind = cpu.recent_exits[number];
        if (!kind) break;
        kinds.add("{}{}", std::string_view{number == 0 ? "" : ", "}, exit_name(std::to_underlying(*kind)));
    }
    say(level, "  d{}v{} last exits but hypercalls and CPUID, newest first: {}", cpu.vcpu.domain().id(), cpu.vcpu.id(),
        kinds.is_empty() ? "none" : kinds.text());
}

void log_line_of_state(VirtualCpu const& cpu, LogLevel level, std::string_view why, u32 line)
{
    switch (line) {
    case 0: return log_place(level, cpu, why);
    case 1: return log_controls(level, cpu);
    case 2: return log_general(level, cpu);
    default: return log_exits(level, cpu);
    }
}

void log_state(VirtualCpu const& cpu, LogLevel level, std::string_view why)
{
    for (u32 line = 0; line < lines_of_state; ++line) log_line_of_state(cpu, level, why, line);
}

}

void log_end(VirtualCpu const& cpu, LogLevel level, std::string_view why)
{
    if (cpu.vcpu.domain().shutdown_reason()) return;
    if (!console::may_report_on_a_guest()) return log_place(level, cpu, why);
    log_state(cpu, level, why);
}

// --- kernel/arch/virtual_cpu.hpp ---

void log_end(Vcpu const& vcpu, std::string_view why) { log_end(vcpu.virtual_cpu(), LogLevel::Info, why); }

void log_state_line(Vcpu const& vcpu, u32 line)
{
    log_line_of_state(vcpu.virtual_cpu(), LogLevel::Info, is_asked_for, line);
}

void ask_for_state(Vcpu& vcpu) { vcpu.virtual_cpu().request_report(); }

void VirtualCpu::report() const { log_state(*this, LogLevel::Info, is_asked_for); }

}
