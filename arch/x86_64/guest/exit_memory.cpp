// SPDX-License-Identifier: MIT
/// Second-stage faults: emulated devices, the control domain's device memory on demand, and holes.
#include <algorithm>

#include "arch/x86_64/guest/access_order.hpp"
#include "arch/x86_64/guest/emulation.hpp"
#include "arch/x86_64/guest/exit_dispatch.hpp"
#include "arch/x86_64/guest/guest_translation.hpp"
#include "arch/x86_64/guest/vcpu_report.hpp"
#include "arch/x86_64/irq/vectors.hpp"
#include "kernel/device_memory/pass_through.hpp"
#include "kernel/lib/bounded_text.hpp"
#include "kernel/log/log.hpp"

namespace hospes::arch {

namespace {

/// Does the access at `linear` reach the page that was refused, perhaps with its last byte?
bool reaches(VirtualCpu& cpu, std::optional<Gva> linear, unsigned bytes, Gpa where)
{
    if (!linear) return false;
    auto const in_page = [&](Gva position) {
        auto const found = translate_own(cpu, position, false);
        return found && frame_of(*found) == frame_of(where);
    };
    return in_page(*linear) || in_page(*linear + (bytes - 1));
}

/// Is this the instruction that was stopped? Another vCPU may have written another one there since.
bool is_about(VirtualCpu& cpu, emulator::Instruction const& instruction, emulator::GuestRegisters const& registers,
              Gpa where)
{
    unsigned const bytes = std::max(instruction.operand_bytes, instruction.source_bytes);
    auto const [first, second] = emulator::accessed_addresses(instruction, registers);
    return reaches(cpu, first, bytes, where) || reaches(cpu, second, bytes, where);
}

/// Carries out the instruction in software, on whatever it accesses, with the rights of its code; `known` answers
/// where the access was refused. What is not about that place is left to the CPU: it executes whatever is there now.
void emulate(VirtualCpu& cpu, KnownAnswer const& known)
{
    GuestMemory memory{cpu, known};
    auto const execute = [&](emulator::Instruction const& instruction,
                             emulator::GuestRegisters& registers) -> Expected<emulator::Progress> {
        if (!is_about(cpu, instruction, registers, known.where)) return emulator::Progress::Repeating;
        return emulator::execute(instruction, registers, memory);
    };
    // The operand that the CPU looks at first may be the other one, that of MOVS say, and out of reach: a page fault.
    if (emulate_next_instruction(cpu, memory, execute)) return;
    if (cpu.virtual_machine().may_complain())
        log_warning("domain {} vcpu {}: cannot emulate the access to {:x} at rip {:x}", cpu.vcpu.domain().id(),
                    cpu.vcpu.id(), known.where, cpu.backend->registers().rip);
    cpu.inject_exception(exception::invalid_opcode);
}

bool allows(Mapping const& mapping, MemoryExit const& access)
{
    if (mapping.type == MappingType::None) return false;
    return !(access.write && !mapping.access.write) && !(access.execute && !mapping.access.execute);
}

void crash_for_bad_fault(VirtualCpu& cpu, MemoryExit const& access, std::string_view why)
{
    BoundedText<96> what;
    what.add("{} at {:x}", why, access.where);
    log_end(cpu, LogLevel::Error, what.text());
    cpu.vcpu.domain().shut_down(ShutdownReason::Crash);
}

}

void handle_memory_fault(VirtualCpu& cpu, Exit const& exit)
{
    MemoryExit const& access = exit.memory;
    Domain& domain = cpu.vcpu.domain();
    if (access.reserved_bits) return crash_for_bad_fault(cpu, access, "broken second-stage entry");
    bool const is_data = !access.in_page_walk && !access.execute;
    if (Device* const device = is_data ? emulated_device(cpu, access.where) : nullptr) {
        if (access.in_delivery) return crash_for_bad_fault(cpu, access, "event delivered to a device");
        return emulate(cpu, {access.where, device});
    }
    Mapping const mapping = domain.physmap.lookup(frame_of(access.where));
    if (allows(mapping, access)) return; // mapped meanwhile, by another vCPU
    if (domain.is_control_domain() && mapping.type == MappingType::None && dom0::map_on_demand(access.where)) return;
    if (access.in_page_walk) return crash_for_bad_fault(cpu, access, "page tables in a hole");
    // No instruction to carry out, or to refuse; delivering the event again would end here again.
    if (access.in_delivery) return crash_for_bad_fault(cpu, access, "event delivered to what is no writable memory");
    if (access.execute) return cpu.inject_exception(exception::invalid_opcode);
    // A grant or a foreign page that may only be read.
    if (is_counted(mapping.type)) return cpu.inject_exception(exception::general_protection, 0);
    emulate(cpu, {access.where, &mapped_memory()}); // nobody there: reads ones, writes vanish
}

}
