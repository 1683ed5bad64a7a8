// SPDX-License-Identifier: MIT
/// Rule: a vCPU that gives up the CPU gets it back: from yield at once, from poll and block by an event or by
/// time, from HLT by an interrupt (abi.md, 3.5).
/// Failure looks like a guest that sleeps for ever, or one that never sleeps.

#include <array>
#include <atomic>

#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/paging.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"

namespace hospes::test {
namespace {

constinit std::atomic<u32> ticks{0};

void on_timer(u32) { ++ticks; }

void polling(u32 port)
{
    mask_port(port);
    std::array<u32, 2> ports{port, port};
    (void)event_channel::send(port);
    report(succeeds(schedule::poll(ports.data(), 1, now() + 10 * second)), "poll a pending port");
    clear_pending(port);
    u64 start = now();
    report(succeeds(schedule::poll(ports.data(), 2, start + 5 * millisecond)), "poll a quiet port");
    report(now() >= start + 5 * millisecond, "comes back after its time");
    report(succeeds(schedule::poll(ports.data(), 1, 1)), "a time that has passed");
    report(succeeds(schedule::poll(ports.data(), 0, now() + millisecond)), "no ports, only time");
    report(fails_with(schedule::poll(ports.data(), 129, 1), Error::Invalid), "more than 128 ports");
    std::array<u32, 1> wrong{0x7fff'ffff};
    report(fails_with(schedule::poll(wrong.data(), 1, 1), Error::Invalid), "a port past the end");
    report(fails_with(schedule::poll(reinterpret_cast<u32 const*>(unmapped_address), 1, 1), Error::BadAddress),
           "ports at a bad address");
    unmask_port_quietly(port);
}

void blocking(u32 port)
{
    ticks = 0;
    u64 start = now();
    // Interrupts are off: an event that comes before the call would not wake us. Time enough for a slow host.
    (void)start_timer(start + 100 * millisecond);
    report(succeeds(schedule::block()), "block");
    report(wait_until([] { return ticks == 1; }, second), "ended by the timer");
    report(now() >= start + 100 * millisecond, "not before its time");
    report((vcpu_info().event_upcall_mask & 1) == 0, "and leaves upcalls unmasked");

    ticks = 0;
    start = now();
    (void)start_timer(start + 5 * millisecond);
    while (ticks == 0) wait_for_interrupt();
    report(now() >= start + 5 * millisecond, "HLT ended by the timer");
    ticks = 0;
    (void)event_channel::send(port);
    wait_for_interrupt();
    report(equal(ticks.load(), 1), "HLT with an event pending ends at once");
}

void refusals()
{
    report(fails_with(hypercall(xen::Hypercall::SchedOp, 99u, 0u), Error::NotImplemented), "an undefined operation");
    report(fails_with(hypercall(xen::Hypercall::SchedOp, xen::SchedCommand::Shutdown, unmapped_address),
                      Error::BadAddress),
           "shutdown without a reason");
    xen::SchedRemoteShutdown remote{0x1234, 0, 0};
    auto result = hypercall(xen::Hypercall::SchedOp, xen::SchedCommand::RemoteShutdown, &remote);
    report(result < 0, "shutting down an unknown domain");
}

void run()
{
    enable_events();
    (void)set_timer_handler(on_timer);
    report(succeeds(schedule::yield()), "yield");
    auto ipi = event_channel::bind_ipi(0);
    polling(ipi.port);
    set_event_handler(ipi.port, on_timer);
    blocking(ipi.port);
    refusals();
}

}

constinit Guest const this_guest{"sched", run};

}
