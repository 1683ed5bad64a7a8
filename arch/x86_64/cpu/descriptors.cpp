// SPDX-License-Identifier: MIT
/// Building and loading the descriptor tables.
#include "arch/x86_64/cpu/descriptors.hpp"

#include "arch/x86_64/irq/vectors.hpp"

namespace hospes {

namespace {

constexpr u8 type_code_readable_accessed = 0xb;
constexpr u8 type_data_writable_accessed = 0x3;
constexpr u8 type_available_task_state = 0x9;
constexpr u8 type_interrupt_gate_present = 0x8e;

constexpr SegmentDescriptor flat_segment(u8 type)
{
    using S = SegmentDescriptor;
    return S{}.with<S::Type>(type).with<S::CodeOrData>(true).with<S::Present>(true);
}

alignas(64) std::array<InterruptGate, vector_count> interrupt_gates;

InterruptStack stack_for(u8 vector)
{
    switch (vector) {
    case exception::non_maskable_interrupt: return InterruptStack::NonMaskable;
    case exception::debug: return InterruptStack::Debug;
    case exception::double_fault:
    case exception::machine_check: return InterruptStack::Fatal;
    default: return InterruptStack::None;
    }
}

InterruptGate make_gate(u64 entry, InterruptStack stack)
{
    InterruptGate gate;
    gate.offset_low = static_cast<u16>(entry);
    gate.offset_middle = static_cast<u16>(entry >> 16);
    gate.offset_high = static_cast<u32>(entry >> 32);
    gate.selector = selector::code;
    gate.interrupt_stack = static_cast<u8>(stack);
    gate.type = type_interrupt_gate_present;
    return gate;
}

void reload_segments()
{
    asm volatile("push %0\n"
                 "lea 1f(%%rip), %%rax\n"
                 "push %%rax\n"
                 "lretq\n"
                 "1:\n"
                 "mov %w1, %%ds\n"
                 "mov %w1, %%es\n"
                 "mov %w1, %%ss\n"
                 :
                 : "i"(selector::code), "r"(u32{selector::data})
                 : "rax", "memory");
}

}

DescriptorTable make_descriptor_table(TaskState const& task_state)
{
    using S = SegmentDescriptor;
    u64 const base = reinterpret_cast<u64>(&task_state);
    DescriptorTable table;
    table[selector::code / 8] = flat_segment(type_code_readable_accessed).with<S::LongMode>(true);
    table[selector::data / 8] = flat_segment(type_data_writable_accessed);
    table[selector::task_state / 8] = S{}.with<S::LimitLow>(sizeof(TaskState) - 1)
                                          .with<S::BaseLow>(base)
                                          .with<S::BaseMiddle>(base >> 24)
                                          .with<S::Type>(type_available_task_state)
                                          .with<S::Present>(true);
    table[selector::task_state / 8 + 1] = S{base >> 32};
    return table;
}

void build_interrupt_descriptors()
{
    for (unsigned vector = 0; vector < vector_count; ++vector) {
        u64 const entry = reinterpret_cast<u64>(trap_entries) + vector * trap_entry_bytes;
        interrupt_gates[vector] = make_gate(entry, stack_for(static_cast<u8>(vector)));
    }
}

void load_descriptors(DescriptorTable const& table)
{
    TableRegister const global{sizeof(table) - 1, reinterpret_cast<u64>(table.data())};
    TableRegister const interrupts{sizeof(interrupt_gates) - 1, interrupt_descriptor_base()};
    asm volatile("lgdt %0" : : "m"(global));
    reload_segments();
    asm volatile("ltr %w0" : : "r"(u32{selector::task_state}));
    asm volatile("lidt %0" : : "m"(interrupts));
}

u64 interrupt_descriptor_base() { return reinterpret_cast<u64>(interrupt_gates.data()); }

}
