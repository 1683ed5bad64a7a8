// SPDX-License-Identifier: MIT
/// The way of every instruction that Hospes carries out for a guest.
#include "arch/x86_64/guest/emulation.hpp"

#include "arch/x86_64/guest/instruction_fetch.hpp"

namespace hospes::arch {

Expected<> emulate_next_instruction(VirtualCpu& cpu, GuestMemory const& memory, Executor execute)
{
    auto const instruction = next_instruction(cpu);
    if (!instruction) return failure(Error::NotSupported);
    emulator::GuestRegisters registers = cpu.emulator_registers();
    auto const progress = execute(*instruction, registers);
    bool const is_out_of_reach = !progress && progress.error() == Error::BadAddress;
    if (!progress && !is_out_of_reach) return failure(progress.error());
    GeneralRegisters& general = cpu.backend->registers();
    general.gpr = registers.gpr; // also what a REP has done before it failed
    general.rflags = registers.rflags;
    if (is_out_of_reach)
        memory.raise_fault();
    else if (*progress == emulator::Progress::Completed)
        cpu.backend->complete_instruction(registers.rip);
    return {};
}

}
