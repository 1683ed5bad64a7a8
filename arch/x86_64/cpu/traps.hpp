// SPDX-License-Identifier: MIT
/// Where exceptions and interrupts of the hypervisor itself arrive.
///
/// traps.S has one entry per vector; each saves the registers as a TrapFrame and calls handle_trap().
/// An exception is either expected (exception_fixup.hpp) or the end. Interrupts go to irq/.
/// Guests' exceptions and interrupts never come here while the guest runs: they end its run instead.
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes {

/// The interrupted code's registers, in the order in which traps.S and the CPU push them.
struct TrapFrame {
    u64 r15, r14, r13, r12, r11, r10, r9, r8;
    u64 rbp, rdi, rsi, rdx, rcx, rbx, rax;
    u64 vector, error_code;
    u64 rip, cs, rflags, rsp, ss;
};
static_assert(sizeof(TrapFrame) == 22 * 8);

inline constexpr u64 trap_entry_bytes = 16;

/// NMIs that this CPU took since it started.
[[nodiscard]] u64 nmi_count(unsigned cpu);

}

extern "C" {
/// 256 entries of trap_entry_bytes each. (traps.S)
extern hospes::u8 trap_entries[];
void handle_trap(hospes::TrapFrame* frame);
}
