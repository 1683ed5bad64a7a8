// SPDX-License-Identifier: MIT
/// Rule: every vCPU starts by INIT and SIPI in real mode, is reached by LAPIC interrupts and by event-channel
/// IPIs, and is stopped and continued where it was by vcpu_op (abi.md, 1.3, 3.4 and 4.5).
/// Failure looks like "Bringing up secondary CPUs" as a kernel's last words.

#include "tests/guests/framework/smp.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <span>

#include "tests/guests/framework/apic.hpp"
#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/per_cpu.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"
#include "tests/guests/framework/traps.hpp"

namespace hospes::test {
namespace {

constexpr u8 test_vector = 0x50;

struct Other {
    std::atomic<bool> ready, stop;
    std::atomic<u32> interrupts, nmis, events;
    std::atomic<u64> rounds;
    u32 sent; ///< interrupts that CPU 0 sent it
};
constinit std::array<Other, max_cpus> others{};

void on_interrupt(TrapFrame&)
{
    ++others[cpu_index()].interrupts;
    apic::end_of_interrupt();
}

void on_nmi(TrapFrame&) { ++others[cpu_index()].nmis; }

void on_event(u32) { ++others[cpu_index()].events; }

/// What another CPU does: counts rounds with interrupts open until told to stop.
void work(u32 index)
{
    enable_events();
    (void)register_vcpu_info(index);
    auto& mine = others[index];
    mine.ready = true;
    enable_interrupts();
    while (!mine.stop) {
        ++mine.rounds;
        pause();
    }
    disable_interrupts();
}

template <typename Done>
bool soon(Done done)
{
    return wait_until(done, long_enough);
}

bool is_running(u32 index)
{
    u64 before = others[index].rounds;
    return soon([=] { return others[index].rounds > before + 10; });
}

bool is_still(u32 index)
{
    u64 before = others[index].rounds;
    delay(20 * millisecond);
    return others[index].rounds == before;
}

void bring_up(u32 index)
{
    print(" vCPU ", index, "\n");
    report(equal(vcpu_operation::is_up(index), 0), "down before its SIPI");
    if (!start_cpu(index, work)) abandon("no sign of life after SIPI");
    report(soon([=] { return others[index].ready.load(); }), "runs our code");
    report(equal(vcpu_operation::is_up(index), 1), "up after it");
}

/// One more interrupt was sent to each CPU of a range. True once each of them has had all that it was sent, no more.
bool each_got_what_was_sent(u32 first, u32 end)
{
    for (u32 index = first; index != end; ++index) ++others[index].sent;
    return soon([=] {
        return std::ranges::all_of(std::span{others}.subspan(first, end - first),
                                   [](Other const& other) { return other.interrupts == other.sent; });
    });
}

void interrupts(u32 index)
{
    auto& other = others[index];
    apic::send(apic::id_of_cpu(index), apic::deliver_fixed | test_vector);
    report(each_got_what_was_sent(index, index + 1), "fixed interrupt by APIC id");
    apic::send(apic::id_of_cpu(index), apic::deliver_nmi);
    report(soon([&] { return other.nmis == 1; }), "NMI by APIC id");
    apic::send(0, apic::to_others | apic::deliver_fixed | test_vector);
    report(each_got_what_was_sent(1, cpu_count()), "fixed interrupt to all others");

    auto ipi = event_channel::bind_ipi(index);
    report(succeeds(ipi.result), "bind an event-channel IPI");
    set_event_handler(ipi.port, on_event, index);
    for (u32 count = 1; count != 20; ++count) {
        (void)event_channel::send(ipi.port);
        if (!soon([&] { return other.events >= count; })) break;
    }
    report(other.events >= 19, "twenty event-channel IPIs arrive");
}

void stop_and_go(u32 index)
{
    report(is_running(index), "it works");
    report(succeeds(vcpu_operation::down(index)), "down");
    report(equal(vcpu_operation::is_up(index), 0), "is_up says no");
    report(is_still(index), "it stands still");
    report(succeeds(vcpu_operation::up(index)), "up");
    report(is_running(index), "it goes on where it was");
}

void start_again(u32 index)
{
    auto& other = others[index];
    other.stop = true;
    report(soon([=] { return vcpu_operation::is_up(index) == 0; }), "HLT with interrupts off takes it down");
    other.stop = false;
    other.ready = false;
    report(start_cpu(index, work) && soon([&] { return other.ready.load(); }), "a second INIT and SIPI start it again");
}

void run()
{
    enable_events();
    set_trap_handler(test_vector, on_interrupt);
    set_trap_handler(vector::nmi, on_nmi);
    auto count = cpu_count();
    print("  ", count, " vCPUs\n");
    if (count == 1) skip("one vCPU only");
    for (u32 index = 1; index < count; ++index) bring_up(index);
    for (u32 index = 1; index < count; ++index) interrupts(index);
    for (u32 index = 1; index < count; ++index) stop_and_go(index);
    if (count > 1) start_again(1);
    apic::send(0, apic::to_self | apic::deliver_fixed | test_vector);
    report(soon([] { return others[0].interrupts == 1; }), "interrupt to self");
    report(fails_with(vcpu_operation::is_up(count), Error::NotFound), "one vCPU more is not there");
    report(fails_with(vcpu_operation::up(~0u), Error::NotFound), "nor is the last number");
}

}

constinit Guest const this_guest{"smp", run};

}
