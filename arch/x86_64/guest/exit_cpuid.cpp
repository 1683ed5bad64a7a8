// SPDX-License-Identifier: MIT
/// CPUID, answered from the domain's policy.
#include "arch/x86_64/cpuid/cpuid_policy.hpp"
#include "arch/x86_64/guest/exit_dispatch.hpp"
#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "kernel/time/clock.hpp"

namespace hospes::arch {

using emulator::Gpr;

namespace {

CpuidContext context_of(VirtualCpu& cpu)
{
    u32 const khz = static_cast<u32>(clock::tsc_khz());
    return {.vcpu = cpu.vcpu.id(),
            .domain = cpu.vcpu.domain().id(),
            .cr4 = cpu.backend->cr4(),
            .xcr0 = cpu.extended.xcr0(),
            .guest_tsc_khz = khz,
            .host_tsc_khz = khz,
            .tsc_offset = cpu.tsc_offset()};
}

}

void handle_cpuid(VirtualCpu& cpu, Exit const&)
{
    if (!step_over(cpu)) return;
    GeneralRegisters& registers = cpu.backend->registers();
    CpuidLeaf const answer = answer_cpuid(cpu.virtual_machine().policy, context_of(cpu),
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
