// SPDX-License-Identifier: MIT
/// Exceptions and interrupts: what a piece of code raised, and who handles which vector.
#pragma once

#include <optional>

#include "kernel/lib/integers.hpp"
#include "tests/guests/framework/report.hpp"

namespace hospes::test {

/// Exception vectors, in the manuals' abbreviations.
namespace vector {
inline constexpr u8 de = 0, db = 1, nmi = 2, bp = 3, of = 4, br = 5, ud = 6, nm = 7, df = 8, ts = 10, np = 11, ss = 12,
                    gp = 13, pf = 14, mf = 16, ac = 17, mc = 18, xm = 19;
}

/// What traps.S pushes; the last five are the CPU's.
struct TrapFrame {
    u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    u64 vector, error_code;
    u64 rip, cs, rflags, rsp, ss;
};

/// An exception caught by faults() or in_user_mode().
struct Fault {
    u8 vector = 0;
    u32 error_code = 0;
    u64 rip = 0;
    u64 cr2 = 0;
};

/// Where recover() returns to, and what brought us there. Layout known to traps.S.
struct Recovery {
    u64 stack = 0;
    Fault fault{};
};

std::optional<Fault> run_catching(void (*function)(void*), void* argument);
std::optional<Fault> run_in_ring_3(void (*function)(void*), void* argument);

/// Runs `action`; the exception it raised, if any. Destructors inside `action` do not run on a fault.
template <typename Action>
[[nodiscard]] std::optional<Fault> faults(Action action)
{
    return run_catching([](void* self) { (*static_cast<Action*>(self))(); }, &action);
}

inline constexpr s64 no_vector = -1;

/// `report(faults_with(vector::gp, ...), "...")`
template <typename Action>
[[nodiscard]] Condition faults_with(u8 vector, Action action)
{
    auto fault = faults(action);
    return equal(fault ? fault->vector : no_vector, vector);
}

template <typename Action>
[[nodiscard]] Condition is_allowed(Action action)
{
    auto fault = faults(action);
    return equal(fault ? fault->vector : no_vector, no_vector);
}

/// The same in ring 3, interrupts off, on a stack of its own.
template <typename Action>
[[nodiscard]] std::optional<Fault> in_user_mode(Action action)
{
    return run_in_ring_3([](void* self) { (*static_cast<Action*>(self))(); }, &action);
}

using TrapHandler = void (*)(TrapFrame&);

/// Who runs for this vector. Handlers of LAPIC interrupts end with `apic::end_of_interrupt()`.
void set_trap_handler(u8 vector, TrapHandler handler);

/// Lowers the privilege the IDT gate demands to ring 3 (for INT n from user mode), or raises it again.
void allow_from_user_mode(u8 vector, bool allowed);

/// Loads GDT, TSS, IDT and the per-CPU pointer of CPU `index`.
void set_up_cpu(u32 index);

}
