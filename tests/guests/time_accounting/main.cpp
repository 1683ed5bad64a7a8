// SPDX-License-Identifier: MIT
/// Rule: a vCPU's time is accounted to what it did, without gaps: running while it computes, blocked while it
/// sleeps, and the four together are all the time there was (abi.md, 4.3, runstate).
/// Failure looks like wrong load figures in a guest, or unfair scheduling.

#include <atomic>
#include <cstring>

#include "kernel/abi/xen/vcpu.hpp"
#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/memory.hpp"
#include "tests/guests/framework/paging.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"

namespace hospes::test {
namespace {

constinit std::atomic<u32> ticks{0};

xen::RunstateInfo current()
{
    xen::RunstateInfo info{};
    (void)hypercall(xen::Hypercall::VcpuOp, xen::VcpuCommand::GetRunstateInfo, 0u, &info);
    return info;
}

u64 time_in(xen::RunstateInfo const& info, xen::Runstate state) { return info.time[static_cast<size_t>(state)]; }

u64 total(xen::RunstateInfo const& info) { return info.time[0] + info.time[1] + info.time[2] + info.time[3]; }

void sleep_until(u64 when)
{
    ticks = 0;
    (void)start_timer(when);
    while (ticks == 0) wait_for_interrupt();
}

void computing_and_sleeping()
{
    auto before = current();
    delay(20 * millisecond);
    auto computed = current();
    sleep_until(now() + 30 * millisecond);
    auto slept = current();
    u64 running = time_in(computed, xen::Runstate::Running) - time_in(before, xen::Runstate::Running);
    u64 blocked = time_in(slept, xen::Runstate::Blocked) - time_in(computed, xen::Runstate::Blocked);
    print("  running ", running / microsecond, " us, blocked ", blocked / microsecond, " us\n");
    report(equal(slept.state, xen::Runstate::Running), "whoever asks is running");
    report(running >= 10 * millisecond && running <= 200 * millisecond, "computing is running time");
    report(blocked >= 20 * millisecond && blocked <= 500 * millisecond, "sleeping is blocked time");
}

void no_gaps()
{
    u64 begin = now();
    auto first = current();
    delay(5 * millisecond);
    sleep_until(now() + 5 * millisecond);
    auto last = current();
    u64 end = now();
    report(total(last) - total(first) <= end - begin + millisecond, "no time is counted twice");
    report(total(last) - total(first) >= 9 * millisecond, "none is lost");
}

void registered_area()
{
    // Straddles two pages that are not neighbours, like a per-CPU variable may.
    auto* pages = allocate_pages(3);
    auto* window = map_window(0, gfn_of(pages), page_present | page_writable);
    (void)map_window(1, gfn_of(pages) + 2, page_present | page_writable);
    auto* area = window + page_size - 24;
    report(succeeds(vcpu_operation::register_runstate(0, address(area))), "register an area across two pages");
    sleep_until(now() + 2 * millisecond);
    xen::RunstateInfo seen{};
    memcpy(&seen, area, sizeof(seen));
    report(equal(seen.state, xen::Runstate::Running), "it says running");
    report(time_in(seen, xen::Runstate::Blocked) > 0, "and shows the time asleep");
    report((seen.state_entry_time & xen::runstate_update) == 0, "and is not being written");
    report(vcpu_operation::register_runstate(0, unmapped_address) <= 0, "an area at a bad address is survived");
    report(fails_with(vcpu_operation::register_runstate(77, address(area)), Error::NotFound), "an unknown vCPU");
    sleep_until(now() + 2 * millisecond);
    (void)vcpu_operation::register_runstate(0, address(pages));
    sleep_until(now() + 2 * millisecond);
    report(time_in(*reinterpret_cast<xen::RunstateInfo*>(pages), xen::Runstate::Blocked) > 0, "the area can move");
}

void run()
{
    enable_events();
    (void)set_timer_handler([](u32) { ++ticks; });
    computing_and_sleeping();
    no_gaps();
    registered_area();
}

}

constinit Guest const this_guest{"time_accounting", run};

}
