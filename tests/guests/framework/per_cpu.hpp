// SPDX-License-Identifier: MIT
/// What each CPU has for itself; reached through GS.
#pragma once

#include <array>

#include "kernel/lib/integers.hpp"
#include "tests/guests/framework/traps.hpp"

namespace hospes::test {

inline constexpr u32 max_cpus = 16;
inline constexpr size_t cpu_stack_size = 16 * kib;

/// The 64-bit task state segment (SDM vol. 3, 8.7): here only for the stack that traps from ring 3 use.
struct [[gnu::packed]] TaskState {
    u32 reserved_0 = 0;
    u64 stack_pointers[3] = {};
    u64 reserved_1 = 0;
    u64 interrupt_stacks[7] = {};
    u64 reserved_2 = 0;
    u16 reserved_3 = 0;
    u16 io_map_base = sizeof(TaskState);
};
static_assert(sizeof(TaskState) == 104);

struct PerCpu {
    PerCpu* self = nullptr; ///< first, so that GS:0 is the pointer
    u32 index = 0;          ///< also the Xen vCPU number
    Recovery* recovery = nullptr;
    std::array<u64, 8> descriptors{};
    TaskState task_state{};
};

PerCpu& per_cpu(u32 index);

inline PerCpu& this_cpu()
{
    PerCpu* self;
    asm("mov %%gs:0, %0" : "=r"(self));
    return *self;
}

}
