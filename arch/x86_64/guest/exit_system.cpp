// SPDX-License-Identifier: MIT
/// Exits that are about the CPU itself: interrupts, HLT, XSETBV, exceptions, and the ends of a guest.
#include "arch/x86_64/cpu/control_registers.hpp"
#include "arch/x86_64/guest/exit_dispatch.hpp"
#include "arch/x86_64/guest/vcpu_report.hpp"
#include "arch/x86_64/irq/vectors.hpp"

namespace hospes::arch {

using emulator::Gpr;

bool step_over(VirtualCpu& cpu)
{
    if (cpu.backend->advance()) return true;
    cpu.inject_exception(exception::invalid_opcode);
    return false;
}

void handle_nothing(VirtualCpu&, Exit const&) {}

/// The machine's own: our handler looks at the banks and decides whether anything can go on.
void handle_machine_check(VirtualCpu&, Exit const&) { asm volatile("int %0" : : "i"(exception::machine_check)); }

void handle_window(VirtualCpu& cpu, Exit const&) { cpu.local_apic.ask_for_attention(); }

void handle_end_of_interrupt(VirtualCpu& cpu, Exit const& exit)
{
    cpu.local_apic.finish_interrupt(exit.end_of_interrupt.vector);
}

void handle_apic_write(VirtualCpu& cpu, Exit const& exit) { cpu.local_apic.finish_write(exit.apic_write.offset); }

/// #DB and #AC are intercepted only so that they cannot storm inside the CPU; the guest gets them.
void handle_exception(VirtualCpu& cpu, Exit const& exit)
{
    ExceptionExit const& cause = exit.exception;
    if (cause.has_error_code)
        cpu.inject_exception(cause.vector, cause.error_code);
    else
        cpu.inject_exception(cause.vector);
}

void handle_halt(VirtualCpu& cpu, Exit const&)
{
    if (!step_over(cpu)) return;
    Vcpu& vcpu = cpu.vcpu;
    bool const waits_for_interrupt = Rflags{cpu.backend->registers().rflags}.get<Rflags::InterruptEnable>();
    if (!waits_for_interrupt) { // this is how a PVH guest's CPU goes offline (abi.md 4.5)
        vcpu.set_waiting(WaitReason::Down);
        vcpu.domain().vcpu_went_down();
        return;
    }
    if (cpu.has_deliverable_event()) return;
    vcpu.set_waiting(WaitReason::Halted);
    if (cpu.has_deliverable_event()) vcpu.clear_waiting(WaitReason::Halted); // it came in between
}

void handle_write_xcr(VirtualCpu& cpu, Exit const&)
{
    GeneralRegisters const& registers = cpu.backend->registers();
    u64 const value = registers[Gpr::Rdx] << 32 | (registers[Gpr::Rax] & 0xffff'ffff);
    bool const is_xcr0 = static_cast<u32>(registers[Gpr::Rcx]) == 0;
    bool const privileged = cpu.backend->code_level().privilege == 0;
    u64 const allowed = cpu.virtual_machine().policy.xcr0_mask();
    if (!privileged || !is_xcr0 || !cpu.extended.set_xcr0(value, allowed))
        return cpu.inject_exception(exception::general_protection, 0);
    if (!cpu.backend->advance()) cpu.inject_exception(exception::invalid_opcode);
}

/// Guests' memory is write-back and coherent; only who drives devices may need the caches written.
void handle_flush_caches(VirtualCpu& cpu, Exit const&)
{
    if (!step_over(cpu)) return;
    if (cpu.vcpu.domain().is_control_domain()) asm volatile("wbinvd" : : : "memory");
}

void handle_refused_instruction(VirtualCpu& cpu, Exit const&) { cpu.inject_exception(exception::invalid_opcode); }

void handle_control_register(VirtualCpu& cpu, Exit const&) { cpu.backend->access_control_register(); }

// --- the ends of a guest ---

namespace {

void crash(VirtualCpu& cpu, std::string_view why)
{
    log_end(cpu, LogLevel::Error, why);
    cpu.vcpu.domain().shut_down(ShutdownReason::Crash);
}

}

/// What a CPU leaves in the registers at a triple fault is the last that it knew. (SVM calls it undefined: APM vol.
/// 2, 15.14.3.)
void handle_triple_fault(VirtualCpu& cpu, Exit const&)
{
    Domain& domain = cpu.vcpu.domain();
    auto const parameter = static_cast<size_t>(xen::HvmParamIndex::TripleFaultReason);
    u64 const reason = domain.control.lock()->parameters[parameter];
    log_end(cpu, LogLevel::Warning, "triple fault");
    domain.shut_down(static_cast<ShutdownReason>(reason));
}

void handle_task_switch(VirtualCpu& cpu, Exit const&) { crash(cpu, "hardware task switches are not supported"); }

void handle_entry_failure(VirtualCpu& cpu, Exit const&)
{
    log_error("domain {} vcpu {}: the CPU refused the guest's state: {}", cpu.vcpu.domain().id(), cpu.vcpu.id(),
              cpu.backend->describe_entry_failure());
    crash(cpu, "cannot enter the guest");
}

void handle_unknown(VirtualCpu& cpu, Exit const& exit)
{
    log_error("domain {} vcpu {}: exit {:x} ({:x}, {:x}) means nothing here", cpu.vcpu.domain().id(), cpu.vcpu.id(),
              exit.unknown.code, exit.unknown.first, exit.unknown.second);
    crash(cpu, "unknown exit");
}

}
