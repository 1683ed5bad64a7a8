// SPDX-License-Identifier: MIT
/// The hypercall instruction, and the page of stubs that older kernels call. (abi.md 2.3, 2.4)
#include "arch/x86_64/guest/exit_dispatch.hpp"
#include "arch/x86_64/guest/hypercall_page.hpp"
#include "arch/x86_64/guest/virtual_cpu.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/hypercall/narrow_call.hpp"
#include "kernel/hypercall/table.hpp"

namespace hospes::arch {

using emulator::Gpr;

namespace {

constexpr std::array argument_registers{Gpr::Rdi, Gpr::Rsi, Gpr::Rdx, Gpr::R10, Gpr::R8};
constexpr std::array narrow_argument_registers{Gpr::Rbx, Gpr::Rcx, Gpr::Rdx, Gpr::Rsi, Gpr::Rdi};

void finish(VirtualCpu& cpu, u64 result)
{
    if (step_over(cpu)) cpu.backend->registers()[Gpr::Rax] = result;
}

/// Of code that is not 64-bit code, in any mode: registers have 32 bits.
void handle_narrow_hypercall(VirtualCpu& cpu)
{
    GeneralRegisters& registers = cpu.backend->registers();
    NarrowArguments arguments;
    for (size_t i = 0; i < arguments.size(); ++i)
        arguments[i] = static_cast<u32>(registers[narrow_argument_registers[i]]);
    NarrowResult const result = dispatch_narrow_hypercall(cpu.vcpu, static_cast<u32>(registers[Gpr::Rax]), arguments);
    if (!result.restart) return finish(cpu, result.value);
    for (size_t i = 0; i < arguments.size(); ++i) registers[narrow_argument_registers[i]] = arguments[i];
}

}

void handle_hypercall(VirtualCpu& cpu, Exit const&)
{
    VcpuBackend& backend = *cpu.backend;
    CodeLevel const caller = backend.code_level();
    if (caller.privilege != 0) return finish(cpu, HypercallResult::of(Error::NotPermitted).value);
    if (caller.mode != emulator::Mode::Bits64) return handle_narrow_hypercall(cpu);

    GeneralRegisters& registers = backend.registers();
    HypercallArguments arguments;
    for (size_t i = 0; i < argument_registers.size(); ++i) arguments[i] = registers[argument_registers[i]];
    u64 const number = registers[Gpr::Rax] & ~u32{0};
    arguments.progress = static_cast<u32>(registers[Gpr::Rax] >> 32);
    HypercallResult const result = dispatch_hypercall(cpu.vcpu, number, arguments);
    if (!result.restart) return finish(cpu, result.value);
    // The guest executes the instruction again, after its interrupts, with what is left to do.
    registers[Gpr::Rax] = number | u64{arguments.progress} << 32;
    for (size_t i = 0; i < argument_registers.size(); ++i) registers[argument_registers[i]] = arguments[i];
}

Expected<> fill_hypercall_page(Domain& domain, u64 value, bool amd)
{
    if ((value & page_mask) != 0) return failure(Error::Invalid); // page index: there is only one
    auto const frame = domain.physmap.reference_own(frame_of(Gpa{value}));
    if (!frame) return failure(Error::Invalid);
    constexpr size_t stub_bytes = 32;
    constexpr u8 move_to_eax = 0xb8, return_near = 0xc3, int3 = 0xcc;
    u8* const page = static_cast<u8*>(reach(frame->frame()));
    for (size_t number = 0; number < page_size / stub_bytes; ++number) {
        u8* const stub = page + number * stub_bytes;
        std::array<u8, stub_bytes> code;
        code.fill(int3);
        // mov $number, %eax; vmmcall or vmcall; ret
        std::array<u8, 9> const call{move_to_eax, static_cast<u8>(number),   0,          0, 0, 0x0f,
                                     0x01,        amd ? u8{0xd9} : u8{0xc1}, return_near};
        std::copy(call.begin(), call.end(), code.begin());
        std::copy(code.begin(), code.end(), stub);
    }
    return {};
}

}
