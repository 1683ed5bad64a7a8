// SPDX-License-Identifier: MIT
/// Port input and output: registered devices, a few answers that make guests' probes short, and nothing (abi.md 4.7).
#include "arch/x86_64/emulator/decode.hpp"
#include "arch/x86_64/guest/exit_dispatch.hpp"
#include "arch/x86_64/guest/guest_access.hpp"
#include "arch/x86_64/guest/instruction_fetch.hpp"
#include "arch/x86_64/irq/vectors.hpp"

namespace hospes::arch {

using emulator::Gpr;

namespace {

constexpr u64 nothing_there = ~u64{0};

u64 read_zero(VirtualCpu&, u16) { return 0; }
void ignore(VirtualCpu&, u16, u8) {}

/// A bit for each vCPU that is online. Byte 0 holds vCPUs 0 to 7.
u64 read_online_vcpus(VirtualCpu& cpu, u16 offset)
{
    u64 bits = 0;
    for (u32 i = 0; i < 8; ++i)
        if (Vcpu const* const vcpu = cpu.vcpu.domain().vcpu(offset * 8U + i))
            bits |= u64{!vcpu->waits_for(WaitReason::Down)} << i;
    return bits;
}

void write_debug_character(VirtualCpu& cpu, u16, u8 value)
{
    cpu.debug_line.put(cpu.vcpu.domain().id(), static_cast<char>(value));
}

struct BuiltIn {
    u16 first;
    u16 last;
    u64 (*read)(VirtualCpu& cpu, u16 offset);
    void (*write)(VirtualCpu& cpu, u16 offset, u8 value);
};
constexpr auto built_in = std::to_array<BuiltIn>({
    {0x40, 0x43, read_zero, ignore}, // PIT: a 0 ends Linux's calibration loop at once
    {0xe9, 0xe9, read_zero, write_debug_character},
    {0xaf00, 0xaf1f, read_online_vcpus, ignore}, // CPU hot-plug bitmap of the toolstack's ACPI tables
    {0xafe0, 0xafe3, read_zero, ignore},         // its GPE block
    {0xb000, 0xb003, read_zero, ignore},         // its PM1 event block
});

BuiltIn const* find_built_in(u16 port)
{
    for (BuiltIn const& row : built_in)
        if (port >= row.first && port <= row.last) return &row;
    return nullptr;
}

u64 read_port(VirtualCpu& cpu, u16 port, unsigned bytes)
{
    if (AccessHandler* const handler = cpu.virtual_machine().ports.find(port))
        return handler->read(cpu.vcpu, port, bytes);
    if (BuiltIn const* const row = find_built_in(port)) {
        u64 value = 0;
        for (unsigned i = 0; i < bytes; ++i) value |= row->read(cpu, static_cast<u16>(port - row->first + i)) << 8 * i;
        return value;
    }
    return nothing_there;
}

void write_port(VirtualCpu& cpu, u16 port, unsigned bytes, u64 value)
{
    if (AccessHandler* const handler = cpu.virtual_machine().ports.find(port))
        return handler->write(cpu.vcpu, port, bytes, value);
    if (BuiltIn const* const row = find_built_in(port))
        for (unsigned i = 0; i < bytes; ++i)
            row->write(cpu, static_cast<u16>(port - row->first + i), static_cast<u8>(value >> 8 * i));
}

/// INS and OUTS. The CPU has checked the permission to use the port.
void handle_string(VirtualCpu& cpu)
{
    FetchedInstruction const fetched = fetch_instruction(cpu);
    auto const instruction = emulator::decode(fetched.span(), fetched.mode);
    if (!instruction) return cpu.inject_exception(exception::invalid_opcode);
    emulator::GuestRegisters registers = cpu.emulator_registers();
    GuestMemory memory{cpu};
    GuestPorts ports{cpu};
    auto const progress = emulator::execute_port_string(*instruction, registers, memory, ports);
    bool const is_out_of_reach = !progress && progress.error() == Error::BadAddress;
    if (!progress && !is_out_of_reach) return cpu.inject_exception(exception::general_protection, 0);
    GeneralRegisters& general = cpu.backend->registers();
    general.gpr = registers.gpr; // also what a REP has done before it failed
    general.rflags = registers.rflags;
    if (is_out_of_reach) return memory.raise_fault();
    if (*progress == emulator::Progress::Completed) cpu.backend->complete_instruction(registers.rip);
}

}

Expected<u64> GuestPorts::in(u16 port, unsigned bytes) { return read_port(virtual_cpu_, port, bytes); }

Expected<> GuestPorts::out(u16 port, u64 value, unsigned bytes)
{
    write_port(virtual_cpu_, port, bytes, value);
    return {};
}

void handle_port(VirtualCpu& cpu, Exit const& exit)
{
    PortExit const& access = exit.port;
    if (access.string) return handle_string(cpu);
    if (!step_over(cpu)) return;
    u64& accumulator = cpu.backend->registers()[Gpr::Rax];
    u64 const mask = nothing_there >> (64 - 8 * access.bytes);
    if (access.write) return write_port(cpu, access.port, access.bytes, accumulator & mask);
    u64 const value = read_port(cpu, access.port, access.bytes) & mask;
    // Four bytes clear the upper half of RAX, fewer keep the rest.
    accumulator = access.bytes == 4 ? value : (accumulator & ~mask) | value;
}

}
