// SPDX-License-Identifier: MIT
/// RDMSR and WRMSR, answered by the table in msr_policy.cpp.
#include "arch/x86_64/guest/exit_dispatch.hpp"
#include "arch/x86_64/guest/msr_policy.hpp"
#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "arch/x86_64/irq/vectors.hpp"

namespace hospes::arch {

using emulator::Gpr;

void handle_read_msr(VirtualCpu& cpu, Exit const&)
{
    GeneralRegisters& registers = cpu.backend->registers();
    auto const value = read_guest_msr(cpu, static_cast<u32>(registers[Gpr::Rcx]));
    if (!value) return cpu.inject_exception(exception::general_protection, 0);
    if (!step_over(cpu)) return;
    registers[Gpr::Rax] = *value & 0xffff'ffff;
    registers[Gpr::Rdx] = *value >> 32;
}

void handle_write_msr(VirtualCpu& cpu, Exit const&)
{
    GeneralRegisters const& registers = cpu.backend->registers();
    u64 const value = registers[Gpr::Rdx] << 32 | (registers[Gpr::Rax] & 0xffff'ffff);
    if (!write_guest_msr(cpu, static_cast<u32>(registers[Gpr::Rcx]), value))
        return cpu.inject_exception(exception::general_protection, 0);
    if (!cpu.backend->advance()) cpu.inject_exception(exception::invalid_opcode);
}

}
