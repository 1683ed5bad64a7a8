// SPDX-License-Identifier: MIT
/// What each primitive costs, in TSC ticks, 2,000 times each. Under `-icount shift=0` a tick is an instruction, of
/// guest and hypervisor together, so that the figures are the same in every run.
/// One line each for tests/bench/run.py: `BENCH name ticks`, lateness in nanoseconds.

#include <algorithm>
#include <array>
#include <atomic>

#include "kernel/abi/xen/cpuid.hpp"
#include "tests/guests/framework/apic.hpp"
#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/fifo_events.hpp"
#include "tests/guests/framework/grants.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/paging.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/traps.hpp"

namespace hospes::test {
namespace {

constexpr size_t repetitions = 2000;
constinit std::array<u64, repetitions> samples{};

/// RDTSC without a fence: nothing is reordered where a tick is an instruction, and a fence would be one more.
u64 ticks()
{
    u32 low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (u64{high} << 32) | low;
}

void publish(std::string_view name, u64 value)
{
    print("BENCH ", name, " ", value, "\n");
    report(value > 0 || name == "timer_lateness_ns", name);
}

/// The median of single measurements. A hypervisor that intercepts RDTSC, as Xen does here, pays for one in each.
void publish_median(std::string_view name)
{
    std::ranges::sort(samples, [](u64 left, u64 right) { return left < right; }); // not the one inside libc++.so
    publish(name, samples[repetitions / 2]);
}

/// The mean of all repetitions together, so that reading the TSC does not count.
template <typename Action>
void measure(std::string_view name, Action action)
{
    u64 begin = ticks();
    for (size_t i = 0; i != repetitions; ++i) action();
    publish(name, (ticks() - begin) / repetitions);
}

constinit u64 handler_entered = 0;

/// The first instruction that a handler written in C++ can have; installed on a vector of its own.
void on_upcall(TrapFrame&)
{
    handler_entered = ticks();
    apic::end_of_interrupt();
    poll_events();
}

void hypercalls()
{
    constexpr u64 xen_version = static_cast<u64>(xen::Hypercall::XenVersion);
    constexpr u64 undefined = 63;
    measure("rdtsc", [] { (void)ticks(); });
    measure("null_hypercall", [] { (void)raw_hypercall(xen_version); });
    measure("undefined_hypercall", [] { (void)raw_hypercall(undefined); });
    measure("yield", [] { (void)schedule::yield(); });
}

void intercepts()
{
    measure("cpuid", [] { (void)cpuid(0); });
    measure("rdmsr_apic_base", [] { (void)read_msr(apic::base_msr); });
}

void events()
{
    auto ipi = event_channel::bind_ipi(0);
    // With a handler that only notes the time: each send finds the port unmasked and nothing pending.
    set_event_handler(ipi.port, [](u32) {});
    enable_interrupts();
    measure("event_round_trip", [&] { (void)event_channel::send(ipi.port); });
    for (auto& sample : samples) {
        u64 begin = ticks();
        (void)event_channel::send(ipi.port);
        sample = handler_entered - begin;
    }
    disable_interrupts();
    publish_median("event_to_handler");

    mask_port(ipi.port);
    (void)event_channel::send(ipi.port);
    measure("event_send_masked", [&] { (void)event_channel::send(ipi.port); });
    set_event_handler(ipi.port, nullptr);
}

void on_fifo_upcall(TrapFrame&)
{
    handler_entered = ticks();
    apic::end_of_interrupt();
    fifo_events::take();
}

/// What Linux uses. The last of all: the timer's port is gone after it.
void queued_events()
{
    if (!fifo_events::start()) return report(false, "FIFO events");
    set_trap_handler(upcall_vector, on_fifo_upcall);
    u32 const port = event_channel::bind_ipi(0).port;
    enable_interrupts();
    measure("fifo_round_trip", [=] { (void)event_channel::send(port); });
    for (auto& sample : samples) {
        u64 begin = ticks();
        (void)event_channel::send(port);
        sample = handler_entered - begin;
    }
    disable_interrupts();
    publish_median("fifo_to_handler");
    (void)event_channel::send(port);
    measure("fifo_send_queued", [=] { (void)event_channel::send(port); });
}

/// A page of one's own costs what another domain's does. Two hypercalls, of one operation each.
void grant()
{
    u16 const own_id = static_cast<u16>(cpuid(xen::cpuid_first_leaf + 4).ecx);
    u32 const reference = grants::grant(own_id, gfn_of(allocate_pages()));
    u64 const where = unused_gfn(0) << page_shift;
    measure("grant_map_unmap", [=] {
        auto const mapped = grants::map(where, xen::grant_map_flag::host_map, reference, own_id);
        (void)grants::unmap(where, mapped.handle);
    });
}

constinit std::atomic<u64> fired_at{0};

void timers()
{
    (void)set_timer_handler([](u32) { fired_at = time_of_tsc(handler_entered); });
    constexpr u64 far_ahead = 3600 * second;
    u64 due = now() + far_ahead;
    measure("set_timer", [=] { (void)start_timer(due); });

    constexpr u64 soon = 50 * microsecond;
    for (auto& sample : samples) {
        fired_at = 0;
        u64 when = now() + soon;
        (void)start_timer(when);
        enable_interrupts();
        while (fired_at == 0) pause();
        disable_interrupts();
        sample = fired_at > when ? fired_at - when : 0;
    }
    publish_median("timer_lateness_ns");
}

void run()
{
    enable_events();
    set_trap_handler(upcall_vector, on_upcall);
    (void)register_vcpu_info(0);
    // Registering marks an event pending; taken here, it does not open an interrupt window in every measurement.
    asm volatile("sti; nop; cli" : : : "memory");
    print("BENCH repetitions ", repetitions, "\n");
    hypercalls();
    intercepts();
    events();
    grant();
    timers();
    queued_events();
}

}

constinit Guest const this_guest{"primitives", run};

}
