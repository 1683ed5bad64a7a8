// SPDX-License-Identifier: MIT
/// The per-CPU queues of timers. The hardware is reprogrammed only for a deadline earlier than the programmed one;
/// after a cancel it may fire for nothing once, which costs less than reprogramming each time.
#include "kernel/time/timer.hpp"

#include <limits>

#include "kernel/arch/cpu.hpp"
#include "kernel/arch/time.hpp"
#include "kernel/sync/spinlock.hpp"
#include "kernel/time/budget.hpp"
#include "kernel/time/clock.hpp"

namespace hospes::timers {

namespace {

constexpr u64 never = std::numeric_limits<u64>::max();
struct CpuTimers {
    Spinlock<LockRank::Timers> lock;
    DeadlineQueue queue;
    u64 programmed = never; ///< what the hardware is set to; changed by the CPU itself
};

constinit PerCpu<CpuTimers> all_timers;

/// Held: the lock of `timers`, which are this CPU's.
void program(CpuTimers& timers, Nanoseconds now)
{
    DeadlineNode const* const earliest = timers.queue.earliest();
    if (!earliest) return;
    timers.programmed = earliest->deadline;
    arch::arm_timer(earliest->deadline > now ? earliest->deadline - now : 0);
}

/// Locks the queue that the timer belongs to; it can move as long as that lock is not held.
CpuTimers& lock_queue_of(Timer const& timer)
{
    for (;;) {
        u32 const cpu = timer.cpu.load(std::memory_order_acquire);
        CpuTimers& timers = all_timers.of(cpu);
        timers.lock.lock();
        // The timer may have been in another queue and come back since the first look: what was done to it there must
        // be seen, too.
        if (timer.cpu.load(std::memory_order_acquire) == cpu) return timers;
        timers.lock.unlock();
    }
}

/// Held: the lock of `timers`.
void take_out(CpuTimers& timers, Timer& timer)
{
    if (!timer.queued.load(std::memory_order_relaxed)) return;
    timers.queue.remove(timer);
    timer.queued.store(false, std::memory_order_relaxed);
}

/// Takes the first timer that has expired and marks it as running; null if none has, or if it still runs on the CPU
/// that it was moved from. Held: the lock of `timers`.
Timer* take_expired(CpuTimers& timers, Nanoseconds now)
{
    DeadlineNode* const earliest = timers.queue.earliest();
    if (!earliest || earliest->deadline > now) return nullptr;
    Timer& timer = *static_cast<Timer*>(earliest);
    if (timer.running_on.load(std::memory_order_acquire) != Timer::on_no_cpu) return nullptr;
    take_out(timers, timer);
    timer.running_on.store(arch::this_cpu(), std::memory_order_relaxed);
    return &timer;
}

}

void set(Timer& timer, unsigned cpu, u64 deadline)
{
    CpuTimers* timers = &lock_queue_of(timer);
    take_out(*timers, timer);
    while (timer.cpu.load(std::memory_order_relaxed) != cpu) {
        timer.cpu.store(cpu, std::memory_order_release);
        timers->lock.unlock();
        timers = &lock_queue_of(timer); // somebody else may have been quicker
        take_out(*timers, timer);
    }
    timer.deadline = deadline;
    timers->queue.insert(timer);
    timer.queued.store(true, std::memory_order_relaxed);

    bool const is_sooner = deadline < timers->programmed;
    bool const is_mine = cpu == arch::this_cpu();
    if (is_sooner && is_mine) program(*timers, clock::now());
    timers->lock.unlock();
    if (is_sooner && !is_mine) arch::kick(cpu);
}

void cancel(Timer& timer)
{
    for (;;) {
        CpuTimers& timers = lock_queue_of(timer);
        take_out(timers, timer);
        u32 const runner =
            timer.running_on.load(std::memory_order_acquire); // if it is on no CPU, all that the function did is seen
        timers.lock.unlock();
        if (runner == Timer::on_no_cpu || runner == arch::this_cpu()) return;
        // The function may set the timer again before it ends: look again afterwards.
        while (timer.running_on.load(std::memory_order_acquire) == runner) arch::spin_hint();
    }
}

void run_expired()
{
    CpuTimers& timers = all_timers.mine();
    Nanoseconds const now = clock::now();
    timers.lock.lock();
    timers.programmed = never;
    Budget budget;
    while (Timer* const timer = take_expired(timers, now)) {
        timers.lock.unlock();
        timer->function(*timer);
        timer->running_on.store(Timer::on_no_cpu, std::memory_order_release);
        timers.lock.lock();
        // What is left over waits for the next interrupt, so that a guest gets to run in between.
        DeadlineNode const* const next = timers.queue.earliest();
        if (next && next->deadline <= now && budget.is_spent()) break;
    }
    program(timers, clock::now());
    timers.lock.unlock();
}

}
