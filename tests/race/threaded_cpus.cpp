// SPDX-License-Identifier: MIT
/// CPUs that are threads.
#include "tests/race/threaded_cpus.hpp"

#include <chrono>
#include <limits>
#include <thread>
#include <vector>

#include "kernel/arch/time.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/domain/domain_list.hpp"
#include "kernel/log/console.hpp"
#include "kernel/sched/scheduler.hpp"
#include "kernel/time/clock.hpp"
#include "kernel/time/timer.hpp"

namespace hospes {

namespace {

constexpr Nanoseconds never = std::numeric_limits<Nanoseconds>::max();

struct ThreadedCpu {
    std::atomic<bool> kicked{false};
    Nanoseconds timer = never;
};

/// The run loop has no end of its own.
struct EndOfRun {};

std::atomic<unsigned> count{1};
std::atomic<bool> ending{false};
race::Step step_of_software = nullptr;
PerCpu<ThreadedCpu> cpus;
thread_local unsigned own_number = 0;

bool take_interrupts()
{
    ThreadedCpu& self = cpus.mine();
    bool const timer_is_due = self.timer <= clock::now();
    if (!timer_is_due && !self.kicked.load(std::memory_order_relaxed)) return false;
    self.kicked.store(false, std::memory_order_seq_cst);
    if (timer_is_due) self.timer = never;
    timers::run_expired();
    return true;
}

}

Nanoseconds clock::now()
{
    using namespace std::chrono;
    static auto const start = steady_clock::now();
    return static_cast<Nanoseconds>(duration_cast<nanoseconds>(steady_clock::now() - start).count()) + 1;
}

void console::deliver_notices() {}

namespace arch {

unsigned this_cpu() { return own_number; }
unsigned cpu_count() { return count.load(std::memory_order_relaxed); }
void kick(unsigned cpu)
{
    if (cpu != own_number) cpus.of(cpu).kicked.store(true, std::memory_order_seq_cst);
}
void arm_timer(u64 span) { cpus.mine().timer = clock::now() + span; }
void service_interrupts() { static_cast<void>(take_interrupts()); }

/// Ends the thread when all is over: nothing of the scheduler's is held here.
void wait_for_interrupt()
{
    while (!take_interrupts()) {
        if (ending.load()) throw EndOfRun{};
        std::this_thread::yield();
    }
}
void switch_in(Vcpu&) {}
void switch_out(Vcpu&) {}

void run(Vcpu& vcpu)
{
    while (!scheduler::should_switch(vcpu)) {
        static_cast<void>(take_interrupts());
        if (ending.load(std::memory_order_relaxed))
            vcpu.set_waiting(WaitReason::Paused);
        else
            step_of_software(vcpu);
    }
}

}

namespace race {

bool must_stop(Vcpu const& vcpu)
{
    static_cast<void>(take_interrupts());
    return scheduler::should_switch(vcpu);
}

void have_cpus(unsigned wanted)
{
    count = wanted;
    scheduler::initialize();
}

void run_cpus(Step step, std::function<bool()> const& is_over)
{
    step_of_software = step;
    ending = false;
    std::vector<std::thread> threads;
    for (unsigned cpu = 0; cpu < count; ++cpu)
        threads.emplace_back([cpu] {
            own_number = cpu;
            try {
                scheduler::run();
            } catch (EndOfRun) {}
        });
    while (!is_over()) std::this_thread::sleep_for(std::chrono::milliseconds{10});
    ending = true;
    for (auto& thread : threads) thread.join();
}

}

}
