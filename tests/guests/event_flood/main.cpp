// SPDX-License-Identifier: MIT
/// Rule: a guest that sends events as fast as it can, from every vCPU to every vCPU, loses none and slows nobody
/// but itself. seconds=N on the command line sets how long.
/// Failure looks like a lost wake-up here, or other guests that stall in tests/system.

#include <atomic>

#include "tests/guests/framework/events.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/per_cpu.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/smp.hpp"
#include "tests/guests/framework/start.hpp"

namespace hospes::test {
namespace {

constinit std::array<u32, max_cpus> ports{};
constinit std::array<std::atomic<u64>, max_cpus> received{};
constinit std::array<std::atomic<u64>, max_cpus> sent{};
constinit std::atomic<u32> finished{0};
constinit std::atomic<u64> deadline{0};
constinit u32 cpus = 1;

void on_event(u32) { ++received[cpu_index()]; }

void flood(u32 index)
{
    enable_interrupts();
    while (now() < deadline) {
        for (u32 round = 0; round != 50; ++round) {
            (void)event_channel::send(ports[(index + round) % cpus]);
            ++sent[index];
        }
    }
    ++finished;
    while (finished != cpus) pause();
    disable_interrupts();
}

void join(u32 index)
{
    enable_events();
    flood(index);
}

void run()
{
    enable_events();
    cpus = cpu_count();
    for (u32 index = 0; index != cpus; ++index) {
        ports[index] = event_channel::bind_ipi(index).port;
        set_event_handler(ports[index], on_event, index);
    }
    deadline = now() + argument("seconds", 2) * second;
    for (u32 index = 1; index < cpus; ++index) {
        if (!start_cpu(index, join)) abandon("a CPU did not start");
    }
    flood(0);
    u64 all_sent = 0, all_received = 0;
    for (u32 index = 0; index != cpus; ++index) {
        all_sent += sent[index];
        all_received += received[index];
        report(received[index] > 0, "every vCPU received");
    }
    print("  ", all_sent, " sent, ", all_received, " upcalls handled\n");
    report(all_received <= all_sent, "no event came out of nowhere");
    u64 before = received[0];
    (void)event_channel::send(ports[0]);
    report(wait_until([=] { return received[0] > before; }, long_enough), "the last one arrives too");
}

}

constinit Guest const this_guest{"event_flood", run};

}
