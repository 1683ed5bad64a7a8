// SPDX-License-Identifier: MIT
/// The system clock and the wall clock.
#include "kernel/time/clock.hpp"

#include <atomic>

#include "kernel/arch/cpu.hpp"
#include "kernel/arch/time.hpp"
#include "kernel/log/log.hpp"
#include "kernel/log/panic.hpp"
#include "kernel/sync/guarded.hpp"

namespace hospes::clock {

namespace {

// Written once by initialize(), before other CPUs run.
u64 frequency_hz = 0;
u64 start_tsc = 0;
TickScale ticks_to_nanoseconds;
TickScale nanoseconds_to_ticks;

std::atomic<bool> synchronised{true};
Guarded<WallClock, LockRank::Clock> wall;

}

void initialize()
{
    frequency_hz = arch::measure_tsc_hz();
    if (frequency_hz == 0) refuse_to_boot("no clock tells how fast the TSC runs: no ACPI timer, no interval timer");
    ticks_to_nanoseconds = TickScale::between(frequency_hz, nanoseconds_per_second);
    nanoseconds_to_ticks = TickScale::between(nanoseconds_per_second, frequency_hz);
    start_tsc = arch::read_tsc();
    set_wallclock(arch::read_battery_clock(), 0, now());
    log_info("clock: TSC at {} kHz, {} s since 1970", tsc_khz(), wallclock().seconds);
}

Nanoseconds now() { return time_at(arch::read_tsc()); }

u64 tsc_khz() { return frequency_hz / 1000; }
TickScale scale() { return ticks_to_nanoseconds; }
u64 base_tsc() { return start_tsc; }

Nanoseconds time_at(u64 tsc) { return ticks_to_nanoseconds.apply(tsc - start_tsc); }
u64 ticks_in(Nanoseconds span) { return nanoseconds_to_ticks.apply(span); }

bool tsc_is_synchronised() { return synchronised.load(std::memory_order_relaxed); }

void note_tsc_out_of_step(unsigned cpu, u64 ticks)
{
    synchronised.store(false, std::memory_order_relaxed);
    log_warning("cpu{}: its TSC is out of step by at least {} ticks; guests are told that time may jump", cpu, ticks);
}

void busy_wait(Nanoseconds span)
{
    u64 const start = arch::read_tsc();
    u64 const ticks = ticks_in(span);
    while (arch::read_tsc() - start < ticks) arch::spin_hint();
}

void set_wallclock(u64 seconds, u32 nanoseconds, Nanoseconds system_time)
{
    auto access = wall.lock();
    u32 const generation = access->generation + 1;
    *access = wall_clock_at_zero(seconds, nanoseconds, system_time);
    access->generation = generation;
}

WallClock wallclock() { return *wall.lock(); }

}
