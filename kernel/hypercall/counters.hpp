// SPDX-License-Identifier: MIT
/// How often each hypercall was made, by CPU (design.md D18).
#pragma once

#include <array>
#include <string_view>

#include "kernel/arch/cpu.hpp"
#include "kernel/lib/counter.hpp"

namespace hospes {

/// One above the highest number that a hypercall can have.
inline constexpr u64 hypercall_numbers = 64;

using HypercallCounters = std::array<Counter, hypercall_numbers>;
extern PerCpu<HypercallCounters> hypercall_counters;

/// The table's name for a number; empty for one that does not exist.
[[nodiscard]] std::string_view hypercall_name(u64 number);

}
