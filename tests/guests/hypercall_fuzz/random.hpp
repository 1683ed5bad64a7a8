// SPDX-License-Identifier: MIT
/// Pseudo-random numbers, the same for the same seed.
#pragma once

#include <array>

#include "kernel/lib/integers.hpp"

namespace hospes::test {

/// SplitMix64. (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014)
class Random {
public:
    explicit Random(u64 seed) : state_{seed} {}

    u64 next()
    {
        u64 mixed = state_ += 0x9e37'79b9'7f4a'7c15;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58'476d'1ce4'e5b9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d0'49bb'1331'11eb;
        return mixed ^ (mixed >> 31);
    }
    /// From 0 up to `end`, which is not reached.
    u64 below(u64 end) { return next() % end; }
    /// True once in so many times.
    bool once_in(u64 times) { return below(times) == 0; }

    template <typename Element, size_t count>
    Element const& one_of(std::array<Element, count> const& elements)
    {
        return elements[below(count)];
    }

private:
    u64 state_;
};

}
