// SPDX-License-Identifier: MIT
/// How often each hypercall was made, by CPU (design.md D18).
#pragma once

#include <array>
#include <string_view>

#include "kernel/arch/cpu.hpp"

namespace hospes {

inline constexpr unsigned counted_hypercalls = 64;

struct HypercallCounters {
    std::array<u64, counted_hypercalls> count{};
};

extern PerCpu<HypercallCounters> hypercall_counters;

inline void count_hypercall(u64 number)
{
    if (number < counted_hypercalls) ++hypercall_counters.mine().count[number];
}

/// The table's name for a number; "?" for one that does not exist.
[[nodiscard]] std::string_view hypercall_name(u64 number);

}
