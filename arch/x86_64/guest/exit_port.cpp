// SPDX-License-Identifier: MIT
/// Port input and output.
#include "arch/x86_64/emulator/operands.hpp"
#include "arch/x86_64/guest/access_order.hpp"
#include "arch/x86_64/guest/emulation.hpp"
#include "arch/x86_64/guest/exit_dispatch.hpp"
#include "arch/x86_64/irq/vectors.hpp"

namespace hospes::arch {

using emulator::Gpr;

namespace {

/// INS and OUTS. The CPU has checked the permission to use the port.
void handle_string(VirtualCpu& cpu, Device& device)
{
    GuestMemory memory{cpu};
    GuestPort port{cpu, device};
    auto const done = emulate_next_instruction(cpu, memory, [&](auto const& instruction, auto& registers) {
        return emulator::execute_port_string(instruction, registers, memory, port);
    });
    if (!done) cpu.inject_exception(exception::invalid_opcode);
}

}

void handle_port(VirtualCpu& cpu, Exit const& exit)
{
    PortExit const& access = exit.port;
    Device& device = answering_at_port(cpu, access.port);
    if (access.string) return handle_string(cpu, device);
    if (!step_over(cpu)) return;
    u64& accumulator = cpu.backend->registers()[Gpr::Rax];
    u64 const value = emulator::truncate(accumulator, access.bytes);
    if (access.write) return device.write(cpu.vcpu, access.port, access.bytes, value);
    accumulator = emulator::merge(accumulator, device.read(cpu.vcpu, access.port, access.bytes), access.bytes);
}

}
