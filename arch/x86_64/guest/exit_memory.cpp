// SPDX-License-Identifier: MIT
/// Second-stage faults: emulated devices, the control domain's device memory on demand, and holes.
#include "arch/x86_64/emulator/decode.hpp"
#include "arch/x86_64/guest/exit_dispatch.hpp"
#include "arch/x86_64/guest/guest_access.hpp"
#include "arch/x86_64/guest/instruction_fetch.hpp"
#include "arch/x86_64/irq/vectors.hpp"
#include "kernel/dom0/pass_through.hpp"
#include "kernel/log/log.hpp"

namespace hospes::arch {

namespace {

/// Carries out the instruction in software, on whatever it accesses.
void emulate(VirtualCpu& machine, Gpa where)
{
    FetchedInstruction const fetched = fetch_instruction(machine);
    auto const instruction = emulator::decode(fetched.span(), fetched.mode);
    emulator::GuestRegisters registers = machine.emulator_registers();
    GuestMemory memory{machine};
    auto const progress = instruction ? emulator::execute(*instruction, registers, memory)
                                      : Expected<emulator::Progress>{failure(Error::NotSupported)};
    if (!progress) {
        // Not mapped any more by the guest's tables: executing it again gives the guest its own page fault.
        if (progress.error() == Error::BadAddress) return;
        if (machine.domain_machine().may_complain())
            log_warning("domain {} vcpu {}: cannot emulate the access to {:x} at rip {:x}", machine.vcpu.domain().id(),
                        machine.vcpu.id(), where, registers.rip);
        return machine.inject_exception(exception::invalid_opcode);
    }
    GeneralRegisters& general = machine.backend->registers();
    general.gpr = registers.gpr;
    general.rflags = registers.rflags;
    if (*progress == emulator::Progress::Completed) machine.backend->complete_instruction(registers.rip);
}

bool allows(Mapping const& mapping, MemoryExit const& access)
{
    if (mapping.type == MappingType::None) return false;
    return !(access.write && !mapping.access.write) && !(access.execute && !mapping.access.execute);
}

void crash_for_bad_fault(VirtualCpu& machine, MemoryExit const& access, std::string_view why)
{
    log_error("domain {} vcpu {}: {} at {:x}, rip {:x}", machine.vcpu.domain().id(), machine.vcpu.id(), why,
              access.where, machine.backend->registers().rip);
    machine.vcpu.domain().shut_down(ShutdownReason::Crash);
}

}

void handle_memory_fault(VirtualCpu& machine, Exit const& exit)
{
    MemoryExit const& access = exit.memory;
    Domain& domain = machine.vcpu.domain();
    if (access.reserved_bits) return crash_for_bad_fault(machine, access, "broken second-stage entry");
    if (!access.in_page_walk && !access.execute && is_emulated(machine, access.where))
        return emulate(machine, access.where);
    Mapping const mapping = domain.physmap.lookup(frame_of(access.where));
    if (allows(mapping, access)) return; // mapped meanwhile, by another vCPU
    if (domain.is_control_domain() && mapping.type == MappingType::None && dom0::map_on_demand(access.where)) return;
    if (access.in_page_walk) return crash_for_bad_fault(machine, access, "page tables in a hole");
    if (access.execute) return machine.inject_exception(exception::invalid_opcode);
    // A grant or a foreign page that may only be read.
    if (is_counted(mapping.type)) return machine.inject_exception(exception::general_protection, 0);
    emulate(machine, access.where); // nobody there: reads ones, writes vanish
}

}
