// SPDX-License-Identifier: MIT
/// shared_info and two-level event channels: which port fired, and who handles it.
///
/// Level 1 is one bit for each 64 ports in vcpu_info, level 2 a bit for each port in shared_info; the
/// hypervisor sets level 2 first, then level 1, then upcall_pending. A handler clears in the opposite order.
#pragma once

#include "kernel/abi/xen/shared_info.hpp"
#include "kernel/lib/integers.hpp"

namespace hospes::test {

inline constexpr u8 upcall_vector = 0xf3;

/// Maps shared_info (once) and returns it.
[[nodiscard]] xen::SharedInfo& shared_info();

/// vcpu_info of `cpu`: the registered page if there is one, the place in shared_info otherwise.
[[nodiscard]] xen::VcpuInfo& vcpu_info(u32 cpu);
[[nodiscard]] xen::VcpuInfo& vcpu_info();

/// Registers a page of our own for `cpu`.
s64 register_vcpu_info(u32 cpu);

/// LAPIC on, upcall vector set, shared_info mapped. Once on each CPU that takes events.
void enable_events();

using EventHandler = void (*)(u32 port);

inline constexpr u32 any_cpu = ~u32{0};

/// Calls `handler` from the upcall when `port` fires; the port is unmasked. nullptr: masked again. `cpu` is the one
/// that the port is bound to: an upcall of another that finds the port pending leaves it alone.
void set_event_handler(u32 port, EventHandler handler, u32 cpu = any_cpu);

void mask_port(u32 port);
/// Unmasks without telling the hypervisor: an event that is already pending stays unnoticed.
void unmask_port_quietly(u32 port);
[[nodiscard]] bool is_pending(u32 port);
[[nodiscard]] bool is_masked(u32 port);
void clear_pending(u32 port);

/// Handles what is pending, as the upcall does; for callers with interrupts off.
void poll_events();

/// Upcalls taken so far on all CPUs.
[[nodiscard]] u64 upcall_count();

/// Lets interrupts in until `done()` is true; false after `timeout_ns`.
template <typename Done>
bool wait_until(Done done, u64 timeout_ns);

}

#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/cpu.hpp"

namespace hospes::test {

template <typename Done>
bool wait_until(Done done, u64 timeout_ns)
{
    auto deadline = now() + timeout_ns;
    enable_interrupts();
    while (!done() && now() < deadline) pause();
    disable_interrupts();
    return done();
}

}
