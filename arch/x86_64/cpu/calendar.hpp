// SPDX-License-Identifier: MIT
/// Calendar arithmetic for the battery-backed clock.
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes {

/// A moment as the clock's registers hold it. (Motorola MC146818 data sheet)
struct ClockRegisters {
    u8 second = 0, minute = 0, hour = 0, day = 0, month = 0, year = 0;
    u8 status_b = 0;
    constexpr bool operator==(ClockRegisters const&) const = default;

    static constexpr u8 is_24_hours = 1 << 1;
    static constexpr u8 is_binary = 1 << 2;
};

/// Days from 1970-01-01 to a date of the Gregorian calendar, month 1..12, from 1970 on.
[[nodiscard]] constexpr u64 days_since_1970(u64 year, unsigned month, unsigned day)
{
    // The year is taken to begin with March, so that the leap day is its last; months then alternate regularly:
    // the day of the year is (153 m + 2) / 5 for months counted from March.
    if (month <= 2) --year;
    u64 const month_from_march = (month + 9) % 12;
    u64 const days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month_from_march + 2) / 5 + day - 1;
    constexpr u64 days_to_1970 = 719468; // what the line above gives for 1970-01-01
    return days - days_to_1970;
}

/// Seconds since 1970. The clock counts two digits of the year, taken to be of the 21st century.
[[nodiscard]] constexpr u64 seconds_since_1970(ClockRegisters const& r)
{
    bool const binary = (r.status_b & ClockRegisters::is_binary) != 0;
    auto const value = [binary](u8 raw) { return binary ? raw : static_cast<u8>((raw >> 4) * 10 + (raw & 0xf)); };
    constexpr u8 afternoon = 0x80;
    unsigned hour = value(static_cast<u8>(r.hour & ~afternoon));
    if ((r.status_b & ClockRegisters::is_24_hours) == 0) hour = hour % 12 + ((r.hour & afternoon) != 0 ? 12u : 0u);
    u64 const days = days_since_1970(2000u + value(r.year), value(r.month), value(r.day));
    return ((days * 24 + hour) * 60 + value(r.minute)) * 60 + value(r.second);
}

}
