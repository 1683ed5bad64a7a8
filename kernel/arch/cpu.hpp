// SPDX-License-Identifier: MIT
/// What the kernel asks of the physical CPUs. Defined in arch/x86_64/cpu.
#pragma once

#include <array>

#include "kernel/lib/integers.hpp"

namespace hospes::arch {

inline constexpr unsigned max_cpus = 64;

/// Index of the CPU this code runs on: 0 is the one that booted, up to cpu_count() - 1.
[[nodiscard]] unsigned this_cpu();
/// CPUs that were started and run the scheduler.
[[nodiscard]] unsigned cpu_count();

/// The hardware's own number of a CPU: its local APIC id.
[[nodiscard]] u32 apic_id(unsigned cpu);

inline void spin_hint() { __builtin_ia32_pause(); }

/// Opens a window in which pending interrupts are handled, then disables them again.
void service_interrupts();
/// Waits for an interrupt with interrupts enabled, handles it, disables interrupts again. No wake-up is lost.
void wait_for_interrupt();
/// Makes `cpu` leave its guest or its wait, by an interrupt. Cheap to call for the calling CPU: nothing is sent.
void kick(unsigned cpu);

/// Time-stamp counter, in ticks.
[[nodiscard]] u64 read_tsc();

/// Halts all other CPUs for good, for panics: does not wait for those that do not answer.
void stop_other_cpus();

/// Ends the machine. (drivers/acpi: reset register, then keyboard controller, then triple fault.)
[[noreturn]] void reboot_machine();
[[noreturn]] void power_off_machine();
[[noreturn]] void halt_machine();

}

namespace hospes {

/// One `T` for each CPU, on cache lines of its own.
template <typename T>
class PerCpu {
public:
    [[nodiscard]] T& mine() { return slots_[arch::this_cpu()].value; }
    [[nodiscard]] T& of(unsigned cpu) { return slots_[cpu].value; }
    [[nodiscard]] T const& of(unsigned cpu) const { return slots_[cpu].value; }

private:
    struct alignas(64) Slot {
        T value{};
    };
    std::array<Slot, arch::max_cpus> slots_{};
};

}
