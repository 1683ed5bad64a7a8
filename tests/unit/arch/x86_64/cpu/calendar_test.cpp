// SPDX-License-Identifier: MIT
/// Dates of the battery-backed clock.
#include "arch/x86_64/cpu/calendar.hpp"

#include <gtest/gtest.h>

namespace hospes {
namespace {

TEST(Calendar, CountsDays)
{
    EXPECT_EQ(days_since_1970(1970, 1, 1), 0u);
    EXPECT_EQ(days_since_1970(1970, 12, 31), 364u);
    EXPECT_EQ(days_since_1970(2000, 2, 29), 11'016u);
    EXPECT_EQ(days_since_1970(2000, 3, 1), 11'017u);
    EXPECT_EQ(days_since_1970(2024, 2, 29), 19'782u);
    EXPECT_EQ(days_since_1970(2100, 3, 1) - days_since_1970(2100, 2, 28), 1u);
}

TEST(Calendar, ReadsBinaryCodedDecimal)
{
    ClockRegisters const registers{0x59, 0x34, 0x12, 0x14, 0x11, 0x23, ClockRegisters::is_24_hours};
    EXPECT_EQ(seconds_since_1970(registers), 1'699'965'299u); // 2023-11-14 12:34:59
}

TEST(Calendar, ReadsBinary)
{
    ClockRegisters const registers{59, 34, 12, 14, 11, 23, ClockRegisters::is_24_hours | ClockRegisters::is_binary};
    EXPECT_EQ(seconds_since_1970(registers), 1'699'965'299u);
}

TEST(Calendar, ReadsTwelveHours)
{
    auto const hour = [](u8 raw) { return seconds_since_1970({0, 0, raw, 1, 1, 0, 0}) / 3'600 % 24; };
    EXPECT_EQ(hour(0x12), 0u);         // 12 am
    EXPECT_EQ(hour(0x01), 1u);         // 1 am
    EXPECT_EQ(hour(0x80 | 0x12), 12u); // 12 pm
    EXPECT_EQ(hour(0x80 | 0x11), 23u); // 11 pm
}

}
}
