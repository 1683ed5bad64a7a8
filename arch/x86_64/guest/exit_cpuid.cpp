// SPDX-License-Identifier: MIT
/// CPUID, answered from the domain's policy.
#include "arch/x86_64/cpuid/cpuid_policy.hpp"
#include "arch/x86_64/guest/exit_dispatch.hpp"
#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "kernel/time/clock.hpp"

namespace hospes::arch {

using emulator::Gpr;

namespace {

CpuidContext context_of(VirtualCpu& machine)
{
    u32 const khz = static_cast<u32>(clock::tsc_khz());
    return {.vcpu = machine.vcpu.id(),
            .domain = machine.vcpu.domain().id(),
            .cr4 = machine.backend->cr4(),
            .xcr0 = machine.extended.xcr0(),
            .guest_tsc_khz = khz,
            .host_tsc_khz = khz,
            .tsc_offset = machine.tsc_offset()};
}

}

void handle_cpuid(VirtualCpu& machine, Exit const&)
{
    if (!step_over(machine)) return;
    GeneralRegisters& registers = machine.backend->registers();
    CpuidLeaf const answer = answer_cpuid(machine.domain_machine().policy, context_of(machine),
                                          static_cast<u32>(registers[Gpr::Rax]), static_cast<u32>(registers[Gpr::Rcx]));
    registers[Gpr::Rax] = answer.eax;
    registers[Gpr::Rbx] = answer.ebx;
    registers[Gpr::Rcx] = answer.ecx;
    registers[Gpr::Rdx] = answer.edx;
}

SystemPolicies const& system_policies()
{
    static SystemPolicies const policies = [] {
        SystemPolicies made;
        made.raw = read_policy(read_cpuid);
        made.host = made.raw;
        made.maximum = maximum_policy(made.host);
        made.usual = default_policy(made.maximum, false);
        return made;
    }();
    return policies;
}

}
