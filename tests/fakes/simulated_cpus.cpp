// SPDX-License-Identifier: MIT
#include "tests/fakes/simulated_cpus.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <random>

#include "kernel/arch/time.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/log/console.hpp"
#include "kernel/sched/scheduler.hpp"
#include "tests/fakes/interleavings.hpp"

namespace hospes {

namespace {

constexpr Nanoseconds never = std::numeric_limits<Nanoseconds>::max();

struct SimulatedCpu {
    Nanoseconds timer = never;
    bool kicked = false;
};

unsigned count = 1;
unsigned running = 0; ///< the CPU whose coroutine has the word
Nanoseconds now = 0;
Nanoseconds time_of_a_look = 0;
std::array<SimulatedCpu, arch::max_cpus> cpus;

/// As on a real machine no two CPUs keep step: a timer interrupts up to 100 us late.
Nanoseconds lateness()
{
    static std::minstd_rand random;
    return random() % 100'000;
}

bool is_interrupted(unsigned cpu) { return cpus[cpu].kicked || cpus[cpu].timer <= now; }

void take_interrupts()
{
    cpus[running].kicked = false;
    if (cpus[running].timer <= now) cpus[running].timer = never;
    timers::run_expired();
}

void wait()
{
    unsigned const self = running;
    fakes::step_when([self] { return is_interrupted(self); });
    running = self;
    take_interrupts();
}

}

namespace arch {

unsigned this_cpu() { return running; }
unsigned cpu_count() { return count; }
void kick(unsigned cpu) { cpus[cpu].kicked = cpus[cpu].kicked || cpu != running; }
void arm_timer(u64 span) { cpus[running].timer = now + span + lateness(); }
void service_interrupts()
{
    if (is_interrupted(running)) take_interrupts();
}
void wait_for_interrupt() { wait(); }
void switch_in(Vcpu&) {}
void switch_out(Vcpu&) {}
void run(Vcpu& vcpu)
{
    while (!scheduler::should_switch(vcpu)) wait();
}

}

Nanoseconds clock::now()
{
    if (time_of_a_look != 0) hospes::now += time_of_a_look; // tests with threads have no such clock
    return hospes::now;
}
void console::deliver_notices() {}

namespace fakes {

namespace {

void halt_all_vcpus()
{
    for (DomainId id = 0; auto const domain = domains::at_or_after(id); id = (*domain)->id() + 1)
        for (auto const& vcpu : (*domain)->vcpus()) vcpu->set_waiting(WaitReason::Halted);
}

}

SlowClock::SlowClock(Nanoseconds step) { time_of_a_look = step; }
SlowClock::~SlowClock() { time_of_a_look = 0; }

SimulatedCpus::SimulatedCpus(unsigned wanted)
{
    halt_all_vcpus(); // of domains that other tests have left
    count = wanted;
    scheduler::initialize();
}

SimulatedCpus::~SimulatedCpus() { count = 1; }

void SimulatedCpus::at(Nanoseconds after, std::function<void()> what)
{
    events_.push_back({now + after, std::move(what)});
}

/// Jumps from one interrupt or event to the next, each time all CPUs have nothing more to do.
void SimulatedCpus::let_time_pass(Nanoseconds end)
{
    unsigned const self = count; // time is a coroutine as well, on no CPU
    auto const nobody_is_busy = [] {
        for (unsigned cpu = 0; cpu < count; ++cpu)
            if (is_interrupted(cpu)) return false;
        return true;
    };
    std::ranges::stable_sort(events_, {}, &Event::when);
    for (auto event = events_.begin();;) {
        step_when(nobody_is_busy);
        running = self;
        Nanoseconds next = event != events_.end() ? std::min(event->when, end) : end;
        for (unsigned cpu = 0; cpu < count; ++cpu) next = std::min(next, cpus[cpu].timer);
        now = std::max(now, next);
        if (now >= end) return;
        for (; event != events_.end() && event->when <= now; ++event) event->what();
    }
}

void SimulatedCpus::run(Nanoseconds span)
{
    std::vector<Threads::Choice> schedule;
    Threads threads{schedule, every_order};
    for (unsigned cpu = 0; cpu < count; ++cpu)
        threads.thread([cpu] {
            running = cpu;
            scheduler::run();
        });
    threads.thread([this, end = now + span] {
        let_time_pass(end);
        halt_all_vcpus();
    });
    static_cast<void>(threads.finish()); // run loops never end; when all CPUs wait, it is over
    running = 0;
}

}

}
