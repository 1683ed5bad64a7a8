// SPDX-License-Identifier: MIT
/// Conversions between clocks.
#include "kernel/time/tick_scale.hpp"

#include <gtest/gtest.h>

#include "kernel/time/clock.hpp"

namespace hospes {
namespace {

constexpr u64 day = 86'400 * nanoseconds_per_second;

TEST(TickScale, EqualFrequenciesConvertExactly)
{
    constexpr TickScale scale = TickScale::between(nanoseconds_per_second, nanoseconds_per_second);
    static_assert(scale == TickScale{0x8000'0000, 1});
    for (u64 value : {u64{0}, u64{1}, u64{999'999'937}, day * 365}) EXPECT_EQ(scale.apply(value), value);
}

TEST(TickScale, MultiplierUsesAllItsBits)
{
    for (u64 hz : {1'000'000ull, 32'768ull, 999'999'999ull, 1'000'000'001ull, 2'400'000'000ull, 5'999'123'456ull}) {
        EXPECT_GE(TickScale::between(hz, nanoseconds_per_second).mul, 0x7fff'ffffu) << hz;
        EXPECT_GE(TickScale::between(nanoseconds_per_second, hz).mul, 0x7fff'ffffu) << hz;
    }
}

TEST(TickScale, ErrorStaysBelowOneInTwoThousandMillion)
{
    for (u64 hz : {100'000'000ull, 1'193'182'000ull, 2'494'137'000ull, 3'000'000'000ull, 4'700'000'001ull}) {
        u64 const ticks = hz * 86'400;
        u64 const got = TickScale::between(hz, nanoseconds_per_second).apply(ticks);
        EXPECT_LE(got, day) << hz;
        EXPECT_LE(day - got, (day >> 31) + 1) << hz;
    }
}

TEST(TickScale, ThereAndBackAgain)
{
    u64 const hz = 2'494'137'000;
    TickScale const out = TickScale::between(hz, nanoseconds_per_second);
    TickScale const back = TickScale::between(nanoseconds_per_second, hz);
    for (u64 ticks : {u64{1'000}, u64{123'456'789}, hz * 3'600}) {
        u64 const again = back.apply(out.apply(ticks));
        EXPECT_LE(again, ticks);
        EXPECT_LE(ticks - again, (ticks >> 30) + 8);
    }
}

/// What a guest computes from its time record. (Linux and the BSDs use a 96-bit product, as the ABI says.)
TEST(TickScale, IsThePvClockFormula)
{
    TickScale const scale = TickScale::between(2'000'000'000, nanoseconds_per_second);
    EXPECT_EQ(scale, (TickScale{0x8000'0000, 0}));
    EXPECT_EQ(scale.apply(2'000'000'000), nanoseconds_per_second);
    EXPECT_EQ((TickScale{0x8000'0000, -2}).apply(4'000), 500u);
}

TEST(SameFrequency, WithinWhatMeasuringOneClockTwiceCanDiffer)
{
    EXPECT_TRUE(is_same_frequency(2'096'000, 2'096'000));
    EXPECT_TRUE(is_same_frequency(2'096'000, 2'096'524)) << "250 ppm";
    EXPECT_TRUE(is_same_frequency(2'096'524, 2'096'000));
    EXPECT_FALSE(is_same_frequency(2'096'000, 2'097'048)) << "500 ppm";
    EXPECT_FALSE(is_same_frequency(0, 2'096'000));
}

TEST(WallClock, IsKnownForSystemTimeZero)
{
    EXPECT_EQ(wall_clock_at_zero(1'700'000'000, 500, 0), (WallClock{1'700'000'000, 500, 0}));
    EXPECT_EQ(wall_clock_at_zero(100, 0, 1), (WallClock{99, 999'999'999, 0}));
    EXPECT_EQ(wall_clock_at_zero(100, 7, 10 * nanoseconds_per_second + 7), (WallClock{90, 0, 0}));
    EXPECT_EQ(wall_clock_at_zero(100, 4'000'000'000u, 0), (WallClock{104, 0, 0}));
}

TEST(WallClock, DoesNotGoBelow1970)
{
    EXPECT_EQ(wall_clock_at_zero(1, 0, 2 * nanoseconds_per_second), WallClock{});
    EXPECT_EQ(wall_clock_at_zero(0, 0, 1), WallClock{});
}

}
}
