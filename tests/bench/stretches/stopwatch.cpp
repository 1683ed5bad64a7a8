// SPDX-License-Identifier: MIT
/// The timer that is always about to expire, and what its handler sees.
#include "tests/bench/stretches/stopwatch.hpp"

#include <algorithm>

#include "kernel/abi/xen/event_channel.hpp"
#include "tests/guests/framework/apic.hpp"
#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"
#include "tests/guests/framework/traps.hpp"

namespace hospes::test {
namespace {

constinit u32 timer_port = 0;
constinit u64 left_at = 0;
constinit u64 longest = 0;
constinit void (*take_events)() = poll_events;
constinit u64 soon = 0; ///< longer than it takes to set a timer and to return from the handler

u64 ticks()
{
    u32 low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (u64{high} << 32) | low;
}

/// Where the TSC is not the guest's own, the end can seem to lie before the beginning.
void note_stretch(u64 until) { longest = std::max(longest, until > left_at ? until - left_at : 0); }

/// The framework knows two-level ports only, which are masked until they have a handler. FIFO ports are not.
u32 bind_timer()
{
    if (take_events == poll_events) return set_timer_handler([](u32) {});
    return event_channel::bind_virq(xen::VirtualInterrupt::Timer, 0).port;
}

void on_upcall(TrapFrame&)
{
    note_stretch(ticks());
    apic::end_of_interrupt();
    take_events();
    (void)start_timer(now() + soon);
    left_at = ticks();
}

}

void Stopwatch::prepare()
{
    soon = on_hospes() ? 4 * microsecond : 60 * microsecond;
    enable_events();
    set_trap_handler(upcall_vector, on_upcall);
    (void)register_vcpu_info(0);
    timer_port = bind_timer();
}

void Stopwatch::take_events_by(void (*take)())
{
    take_events = take;
    timer_port = bind_timer();
}

void Stopwatch::take_port(u32 last)
{
    while (last > timer_port && event_channel::close(last) != 0) --last;
    if (take_events == poll_events) set_event_handler(timer_port, nullptr);
    (void)event_channel::close(timer_port);
    take_events(); // a port whose event waits is not given to anybody
    (void)event_channel::alloc_unbound(xen::domid_self, xen::domid_self); // takes the timer's old one
    timer_port = bind_timer();
    report(timer_port == last, "the timer has the last port");
}

void Stopwatch::start()
{
    longest = 0;
    (void)start_timer(now() + soon);
    left_at = ticks();
    enable_interrupts();
}

void Stopwatch::stop(std::string_view name, bool good)
{
    note_stretch(ticks());
    disable_interrupts();
    print("STRETCH ", longest, " ", name, "\n");
    report(good, name);
}

}
