// SPDX-License-Identifier: MIT
/// How often each hypercall was made, by CPU (design.md D18).
#pragma once

#include <array>
#include <string_view>

#include "kernel/arch/cpu.hpp"
#include "kernel/lib/counter.hpp"

namespace hospes {

inline constexpr unsigned counted_hypercalls = 64;

using HypercallCounters = std::array<Counter, counted_hypercalls>;
extern PerCpu<HypercallCounters> hypercall_counters;

inline void count_hypercall(u64 number)
{
    if (number < counted_hypercalls) ++hypercall_counters.mine()[number];
}

/// The table's name for a number; empty for one that does not exist.
[[nodiscard]] std::string_view hypercall_name(u64 number);

}
