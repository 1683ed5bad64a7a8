// SPDX-License-Identifier: MIT
/// RDMSR and WRMSR, answered by the table in msr_policy.cpp.
#include "arch/x86_64/guest/exit_dispatch.hpp"
#include "arch/x86_64/guest/msr_policy.hpp"
#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "arch/x86_64/irq/vectors.hpp"

namespace hospes::arch {

using emulator::Gpr;

void handle_read_msr(VirtualCpu& machine, Exit const&)
{
    GeneralRegisters& registers = machine.backend->registers();
    auto const value = read_guest_msr(machine, static_cast<u32>(registers[Gpr::Rcx]));
    if (!value) return machine.inject_exception(exception::general_protection, 0);
    if (!step_over(machine)) return;
    registers[Gpr::Rax] = *value & 0xffff'ffff;
    registers[Gpr::Rdx] = *value >> 32;
}

void handle_write_msr(VirtualCpu& machine, Exit const&)
{
    GeneralRegisters const& registers = machine.backend->registers();
    u64 const value = registers[Gpr::Rdx] << 32 | (registers[Gpr::Rax] & 0xffff'ffff);
    if (!write_guest_msr(machine, static_cast<u32>(registers[Gpr::Rcx]), value))
        return machine.inject_exception(exception::general_protection, 0);
    if (!machine.backend->advance()) machine.inject_exception(exception::invalid_opcode);
}

}
