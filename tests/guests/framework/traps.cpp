// SPDX-License-Identifier: MIT
/// IDT, per-CPU descriptor tables, and the dispatch of every exception and interrupt.

#include "tests/guests/framework/traps.hpp"

#include <array>

#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/per_cpu.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/selectors.h"

extern "C" {
extern char const trap_stubs[];
bool run_recoverable(hospes::test::Recovery*, void (*)(void*), void*);
bool run_in_user_mode(hospes::test::Recovery*, void (*)(void*), void*, hospes::u64 stack_top);
[[noreturn]] void recover(hospes::test::Recovery*);
void trap_dispatch(hospes::test::TrapFrame*);
}

namespace hospes::test {
namespace {

constexpr u32 gs_base_msr = 0xc0000101; // APM vol. 2, 6.1: MSR GS.Base
constexpr size_t stub_size = 16;        // traps.S
constexpr u8 first_interrupt = 32;

/// 64-bit interrupt gate (SDM vol. 3, 6.14.1).
struct Gate {
    u16 offset_low;
    u16 selector;
    u8 stack_table;
    u8 type;
    u16 offset_middle;
    u32 offset_high;
    u32 reserved;
};
static_assert(sizeof(Gate) == 16);
constexpr u8 interrupt_gate = 0x8e;
constexpr u8 user_privilege = 0x60;

struct [[gnu::packed]] TablePointer {
    u16 limit;
    u64 base;
};

constinit std::array<Gate, 256> gates{};
constinit std::array<TrapHandler, 256> handlers{};
constinit std::array<PerCpu, max_cpus> cpus{};
alignas(16) constinit std::array<std::array<u8, 4 * kib>, max_cpus> trap_stacks{};
alignas(16) constinit std::array<std::array<u8, 4 * kib>, max_cpus> fault_stacks{}; // for faults of the stack itself
alignas(16) constinit std::array<std::array<u8, 8 * kib>, max_cpus> user_stacks{};

u64 top_of(auto& stack) { return reinterpret_cast<u64>(stack.data()) + stack.size(); }

void fill_gates()
{
    auto stub = reinterpret_cast<u64>(trap_stubs);
    for (auto& gate : gates) {
        gate = {static_cast<u16>(stub),
                KERNEL_CODE,
                0,
                interrupt_gate,
                static_cast<u16>(stub >> 16),
                static_cast<u32>(stub >> 32),
                0};
        stub += stub_size;
    }
    allow_from_user_mode(USER_EXIT_VECTOR, true);
    gates[vector::df].stack_table = 1;
    gates[vector::ss].stack_table = 1;
}

/// The low half of a busy-able 64-bit TSS descriptor (SDM vol. 3, 8.2.3); the high half is the base's upper 32 bits.
u64 task_state_descriptor(TaskState const& state)
{
    auto base = reinterpret_cast<u64>(&state);
    constexpr u64 present_available_tss = 0x89;
    return (sizeof(TaskState) - 1) | ((base & 0xffffff) << 16) | (present_available_tss << 40) |
           (((base >> 24) & 0xff) << 56);
}

[[noreturn]] void die_of(TrapFrame const& frame)
{
    print("unexpected vector ", frame.vector, " error ", hex(frame.error_code), " at ", hex(frame.rip), " rsp ",
          hex(frame.rsp), " rflags ", hex(frame.rflags), " cr2 ", hex(read_cr2()), " on CPU ", this_cpu().index, "\n");
    abandon("unexpected exception or interrupt");
}

}

PerCpu& per_cpu(u32 index) { return cpus[index]; }

void allow_from_user_mode(u8 vector, bool allowed)
{
    gates[vector].type = allowed ? interrupt_gate | user_privilege : interrupt_gate;
}

void set_trap_handler(u8 vector, TrapHandler handler) { handlers[vector] = handler; }

void set_up_cpu(u32 index)
{
    if (index == 0) fill_gates();
    auto& cpu = cpus[index];
    cpu.self = &cpu;
    cpu.index = index;
    cpu.task_state.stack_pointers[0] = top_of(trap_stacks[index]);
    cpu.task_state.interrupt_stacks[0] = top_of(fault_stacks[index]);
    cpu.descriptors = {0,
                       0x00cf9b000000ffff,                    // KERNEL_CODE_32
                       0x00af9b000000ffff,                    // KERNEL_CODE
                       0x00cf93000000ffff,                    // KERNEL_DATA
                       0x00cff3000000ffff,                    // USER_DATA
                       0x00affb000000ffff,                    // USER_CODE
                       task_state_descriptor(cpu.task_state), // TASK_STATE
                       reinterpret_cast<u64>(&cpu.task_state) >> 32};
    TablePointer descriptors{sizeof(cpu.descriptors) - 1, reinterpret_cast<u64>(cpu.descriptors.data())};
    TablePointer interrupts{sizeof(gates) - 1, reinterpret_cast<u64>(gates.data())};
    asm volatile("lgdt %0; lidt %1; ltr %w2" : : "m"(descriptors), "m"(interrupts), "r"(TASK_STATE) : "memory");
    write_msr(gs_base_msr, reinterpret_cast<u64>(&cpu));
}

std::optional<Fault> run_catching(void (*function)(void*), void* argument)
{
    Recovery recovery{};
    auto& cpu = this_cpu();
    auto* outer = cpu.recovery;
    cpu.recovery = &recovery;
    bool faulted = run_recoverable(&recovery, function, argument);
    cpu.recovery = outer;
    if (!faulted) return std::nullopt;
    return recovery.fault;
}

std::optional<Fault> run_in_ring_3(void (*function)(void*), void* argument)
{
    Recovery recovery{};
    auto& cpu = this_cpu();
    cpu.recovery = &recovery;
    (void)run_in_user_mode(&recovery, function, argument, top_of(user_stacks[cpu.index]));
    cpu.recovery = nullptr;
    if (recovery.fault.vector == USER_EXIT_VECTOR) return std::nullopt;
    return recovery.fault;
}

}

void trap_dispatch(hospes::test::TrapFrame* frame)
{
    using namespace hospes::test;
    auto vector = static_cast<hospes::u8>(frame->vector);
    if (auto* handler = handlers[vector]; handler != nullptr) return handler(*frame);
    auto* recovery = this_cpu().recovery;
    if (recovery == nullptr || (vector >= first_interrupt && vector != USER_EXIT_VECTOR)) die_of(*frame);
    recovery->fault = {vector, static_cast<hospes::u32>(frame->error_code), frame->rip, read_cr2()};
    recover(recovery);
}
