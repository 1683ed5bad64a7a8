// SPDX-License-Identifier: MIT
/// Each CPU's stacks and the record at their base. The record is found from RSP alone: GS is left to the guest.
///
///     base + 64 KiB ┌──────────────────────────────────┐ ◄─ RSP of an empty stack
///                   │ main stack: boot, run loop,      │
///                   │ exit handlers, interrupts        │
///                   │                 │                │
///                   │                 ▼ grows down     │
///     base + 12 KiB ├──────────────────────────────────┤
///                   │ fatal: #DF and #MC, which panic  │  IST 3
///     base +  8 KiB ├──────────────────────────────────┤
///                   │ debug: #DB                       │  IST 2
///     base +  4 KiB ├──────────────────────────────────┤
///                   │ NMI: counts and returns          │  IST 1
///     base +  1 KiB ├──────────────────────────────────┤
///                   │ CpuBlock                         │
///     base          └──────────────────────────────────┘ ◄─ RSP & -64 KiB, on whichever of the stacks
#pragma once

#include <atomic>

#include "arch/x86_64/cpu/descriptors.hpp"
#include "kernel/arch/cpu.hpp"

namespace hospes {

inline constexpr u64 cpu_stack_bytes = 64 * kib; ///< and its alignment
inline constexpr u64 fatal_stack_end = 12 * kib;
inline constexpr u64 debug_stack_end = 8 * kib;
inline constexpr u64 nmi_stack_end = 4 * kib;

struct CpuBlock {
    static constexpr u16 no_vector = 0xffff;

    u32 index = 0;
    u32 apic_id = 0;
    std::atomic<bool> online{false};
    std::atomic<u16> handling_vector{no_vector}; ///< the device interrupt whose handler runs here now
    std::atomic<u64> nmi_count{0};
    TaskState task_state;
    DescriptorTable descriptors;
};
static_assert(sizeof(CpuBlock) <= kib);

/// The record of the CPU that this runs on: two instructions.
[[nodiscard]] inline CpuBlock& this_cpu_block()
{
    u64 base = ~(cpu_stack_bytes - 1);
    asm("and %%rsp, %0" : "+r"(base) : : "cc");
    return *reinterpret_cast<CpuBlock*>(base);
}

/// The record of CPU `cpu`, which must be below arch::cpu_count().
[[nodiscard]] CpuBlock& cpu_block(unsigned cpu);

/// Makes a CpuBlock at `stack`, cpu_stack_bytes large and aligned.
CpuBlock& create_cpu_block(void* stack, unsigned index, u32 apic_id);
/// Counts the CPU as running: from now on arch::cpu_count() includes it. In order of index.
void publish_cpu(CpuBlock& block);

namespace cpu {

/// The first thing kernel_main() does: CPU 0's record, GDT, TSS, IDT and control registers. Must run on boot_stack.
void initialize_boot_cpu();
/// The control registers' bits that every CPU runs with.
void enable_cpu_features();

}

}
