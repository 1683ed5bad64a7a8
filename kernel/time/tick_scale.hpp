// SPDX-License-Identifier: MIT
/// Conversion between clocks of different frequency, by one multiplication: the format of the PV clock.
#pragma once

#include <bit>

#include "kernel/lib/integers.hpp"

namespace hospes {

inline constexpr u64 nanoseconds_per_second = 1'000'000'000;
inline constexpr u64 nanoseconds_per_millisecond = 1'000'000;
inline constexpr u64 nanoseconds_per_microsecond = 1'000;

/// Two measurements of clocks that a guest cannot tell from one: 250 ppm, what Linux' KVM tolerates between the
/// frequency that a guest was told and the one that it gets (tsc_tolerance_ppm). Measuring one clock twice gives some
/// 10 ppm, and NTP corrects 500 ppm. (Xen 4.17 wants the same number of kHz, and else intercepts RDTSC.)
[[nodiscard]] constexpr bool is_same_frequency(u64 a, u64 b)
{
    constexpr u64 one_in = 1'000'000 / 250;
    u64 const difference = a > b ? a - b : b - a;
    return difference <= b / one_in;
}

/// out = ((in << shift, or in >> -shift) * mul) >> 32. (xen/include/public/xen.h, struct vcpu_time_info)
struct TickScale {
    u32 mul = 0;
    s8 shift = 0;

    /// From ticks of `from` Hz to ticks of `to` Hz; neither is 0. `mul` uses all its 32 bits, so the relative error is
    /// below 2^-31.
    [[nodiscard]] static constexpr TickScale between(u64 from, u64 to)
    {
        s8 shift = 0;
        while (to >= from) { // until the ratio is below 1 …
            from <<= 1;
            ++shift;
        }
        while (to < (from + 1) / 2) { // … and not below one half
            to <<= 1;
            --shift;
        }
        return {binary_fraction(to, from), shift};
    }

    [[nodiscard]] constexpr u64 apply(u64 ticks) const
    {
        ticks = shift >= 0 ? ticks << shift : ticks >> -shift;
        return static_cast<u64>((u128{ticks} * mul) >> 32);
    }

    /// part / whole * 2^32, for part < whole: long division, for a 96-bit one is not to be had without a library.
    [[nodiscard]] static constexpr u32 binary_fraction(u64 part, u64 whole)
    {
        u32 fraction = 0;
        for (unsigned bit = 0; bit < 32; ++bit) {
            part <<= 1;
            fraction <<= 1;
            if (part >= whole) {
                part -= whole;
                fraction |= 1;
            }
        }
        return fraction;
    }

    constexpr bool operator==(TickScale const&) const = default;
};

}
