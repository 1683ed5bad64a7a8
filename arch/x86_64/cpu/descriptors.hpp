// SPDX-License-Identifier: MIT
/// Segment descriptors, the task state segment and the interrupt descriptor table.
/// (AMD64 APM volume 2, sections 4.8 and 8.2 to 8.9.)
#pragma once

#include <array>

#include "arch/x86_64/cpu/traps.hpp"
#include "kernel/lib/bit_register.hpp"

namespace hospes {

/// Selectors of the hypervisor's GDT, the same on every CPU.
namespace selector {
inline constexpr u16 null = 0x00;
inline constexpr u16 code = 0x08;
inline constexpr u16 data = 0x10;
inline constexpr u16 task_state = 0x18;
}

struct SegmentDescriptor : Register<SegmentDescriptor> {
    using Register::Register;
    using LimitLow = Field<SegmentDescriptor, 15, 0, u64>;
    using BaseLow = Field<SegmentDescriptor, 39, 16, u64>;
    using Type = Field<SegmentDescriptor, 43, 40, u8>;
    using CodeOrData = Field<SegmentDescriptor, 44>;
    using Present = Field<SegmentDescriptor, 47>;
    using LongMode = Field<SegmentDescriptor, 53>;
    using BaseMiddle = Field<SegmentDescriptor, 63, 56, u64>;
};

/// 64-bit task state segment: nothing but stack pointers. (APM volume 2, section 12.2.5)
struct [[gnu::packed]] TaskState {
    u32 reserved0 = 0;
    std::array<u64, 3> stack_pointers{};
    u64 reserved1 = 0;
    std::array<u64, 7> interrupt_stacks{}; ///< IST 1..7
    u64 reserved2 = 0;
    u16 reserved3 = 0;
    u16 io_map_base = sizeof(TaskState);
};
static_assert(sizeof(TaskState) == 104);

/// Interrupts that must find a good stack whatever the interrupted code did to its own.
enum class InterruptStack : u8 { None = 0, NonMaskable = 1, Debug = 2, Fatal = 3 };

using DescriptorTable = std::array<SegmentDescriptor, 5>; ///< null, code, data, task state (two entries)

[[nodiscard]] DescriptorTable make_descriptor_table(TaskState const& task_state);

struct [[gnu::packed]] InterruptGate {
    u16 offset_low = 0;
    u16 selector = 0;
    u8 interrupt_stack = 0;
    u8 type = 0;
    u16 offset_middle = 0;
    u32 offset_high = 0;
    u32 reserved = 0;
};
static_assert(sizeof(InterruptGate) == 16);

/// What LGDT and LIDT take.
struct [[gnu::packed]] TableRegister {
    u16 limit;
    u64 base;
};

/// Fills the interrupt descriptor table that all CPUs share.
void build_interrupt_descriptors();

/// Makes this CPU use its own GDT and TSS and the shared IDT.
void load_descriptors(DescriptorTable const& table);

/// For a VMX host state. (SDM volume 3, section 25.5)
[[nodiscard]] u64 interrupt_descriptor_base();

}
