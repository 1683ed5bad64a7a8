// SPDX-License-Identifier: MIT
/// Rule: vcpu_info moves once to a page of the guest's choice, with its contents and without losing an event
/// (abi.md, 4.2); a place that does not fit is refused.
/// Failure looks like a CPU that comes up and then never sees an event.

#include <atomic>

#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/smp.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

constinit std::atomic<u32> events{0};
constinit std::atomic<bool> stop{false};

void on_event(u32) { ++events; }

void wrong_places()
{
    auto gfn = gfn_of(allocate_pages());
    report(fails_with(vcpu_operation::register_vcpu_info(0, gfn, 4096 - 60), Error{6}),
           "crossing the page's end: ENXIO");
    report(fails_with(vcpu_operation::register_vcpu_info(0, gfn, 3), Error{6}), "unaligned: ENXIO");
    report(vcpu_operation::register_vcpu_info(0, gfn, 0xffff'fff8) < 0, "an offset that wraps");
    report(vcpu_operation::register_vcpu_info(0, unused_gfn(), 0) < 0, "a frame that is not memory");
    report(vcpu_operation::register_vcpu_info(0, ~u64{0}, 0) < 0, "a frame number of all ones");
    report(fails_with(vcpu_operation::register_vcpu_info(77, gfn, 0), Error::NotFound), "an unknown vCPU");
}

void moving()
{
    auto ipi = event_channel::bind_ipi(0);
    set_event_handler(ipi.port, on_event);
    events = 0;
    (void)event_channel::send(ipi.port); // interrupts are off: it stays pending across the move
    report(equal(shared_info().vcpu_info[0].event_upcall_pending, 1), "pending in the old place");
    auto before = now();
    report(succeeds(register_vcpu_info(0)), "register");
    report(equal(vcpu_info(0).event_upcall_pending, 1), "pending in the new place");
    report(equal(vcpu_info(0).event_pending_selector, -1), "every word is to be looked at");
    report(now() >= before, "the clock goes on in the new place");
    report(wait_until([] { return events == 1; }, long_enough), "the event sent before arrives after");
    events = 0;
    (void)event_channel::send(ipi.port);
    report(wait_until([] { return events == 1; }, long_enough), "and new ones too");
    report(fails_with(vcpu_operation::register_vcpu_info(0, gfn_of(allocate_pages()), 0), Error::Invalid),
           "a second time is refused");
}

void work(u32)
{
    enable_events();
    enable_interrupts();
    while (!stop) pause();
}

void on_behalf_of_another()
{
    if (cpu_count() < 2) return skip("one vCPU only");
    report(succeeds(register_vcpu_info(1)), "for a vCPU that is down");
    auto ipi = event_channel::bind_ipi(1);
    set_event_handler(ipi.port, on_event, 1);
    events = 0;
    (void)event_channel::send(ipi.port);
    if (!start_cpu(1, work)) abandon("CPU 1 did not start");
    report(wait_until([] { return events == 1; }, long_enough), "an event sent before its LAPIC was on arrives");
    stop = true;
}

void run()
{
    enable_events();
    wrong_places();
    moving();
    on_behalf_of_another();
}

}

constinit Guest const this_guest{"vcpu_info", run};

}
