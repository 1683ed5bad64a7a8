// SPDX-License-Identifier: MIT
/// System time: nanoseconds since Hospes booted, from the time-stamp counter; and the wall clock.
///
/// System time is a pure function of the TSC, the same for as long as the machine runs:
///
///     now = scale().apply(tsc - base_tsc())
///
/// A guest's time record (vcpu_time_info) that has tsc_timestamp = base_tsc(), system_time = 0 and this scale therefore
/// never needs an update (only the guest's own TSC offset is to be added to the timestamp).
#pragma once

#include "kernel/lib/integers.hpp"
#include "kernel/time/tick_scale.hpp"

namespace hospes {

using Nanoseconds = u64;

struct WallClock {
    u64 seconds = 0; ///< since 1970, UTC, at the moment when system time was 0
    u32 nanoseconds = 0;
    u32 generation = 0; ///< changes with each setting
    constexpr bool operator==(WallClock const&) const = default;
};

/// The wall clock at system time 0, if at `system_time` it was `seconds`.`nanoseconds`. Time before 1970 is cut off.
[[nodiscard]] constexpr WallClock wall_clock_at_zero(u64 seconds, u32 nanoseconds, Nanoseconds system_time)
{
    u64 back_seconds = system_time / nanoseconds_per_second;
    u64 const back_nanoseconds = system_time % nanoseconds_per_second;
    u64 remaining = nanoseconds % nanoseconds_per_second;
    seconds += nanoseconds / nanoseconds_per_second;
    if (remaining < back_nanoseconds) {
        remaining += nanoseconds_per_second;
        ++back_seconds;
    }
    if (seconds < back_seconds) return {};
    return {seconds - back_seconds, static_cast<u32>(remaining - back_nanoseconds), 0};
}

namespace clock {

/// Measures the TSC, makes now the start of system time and reads the battery-backed clock.
void initialize();

/// Nanoseconds of system time. Never goes back on one CPU; nor across CPUs while tsc_is_synchronised().
[[nodiscard]] Nanoseconds now();

[[nodiscard]] u64 tsc_khz();
[[nodiscard]] TickScale scale();
[[nodiscard]] u64 base_tsc();
[[nodiscard]] Nanoseconds time_at(u64 tsc);
/// Ticks of the TSC in a time span.
[[nodiscard]] u64 ticks_in(Nanoseconds span);

/// False once a CPU was found whose TSC disagrees with the others': guests must not be told that it is stable.
[[nodiscard]] bool tsc_is_synchronised();
void note_tsc_out_of_step(unsigned cpu, u64 ticks);

/// Burns time; for hardware that needs a pause while booting.
void busy_wait(Nanoseconds span);

/// The wall clock showed `seconds`.`nanoseconds` when system time was `system_time`. Takes LockRank::Clock.
void set_wallclock(u64 seconds, u32 nanoseconds, Nanoseconds system_time);
[[nodiscard]] WallClock wallclock();

}

}
