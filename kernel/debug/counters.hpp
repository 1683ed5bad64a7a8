// SPDX-License-Identifier: MIT
/// All that the hypervisor counts of itself (design.md D18): for `xenperf` in dom0, debug key 'c' and panics.
#pragma once

#include <span>
#include <string_view>

#include "kernel/lib/counter.hpp"
#include "kernel/time/budget.hpp"

namespace hospes {

/// Counters of one kind; every CPU has a set of its own.
struct CounterFamily {
    std::string_view name;
    std::span<Counter> (*of_cpu)(unsigned cpu);
    /// Empty for a number that means nothing.
    std::string_view (*name_of)(size_t number);
};
[[nodiscard]] std::span<CounterFamily const> counter_families();

/// Calls `visit(number)` for each that has a name.
template <typename Visit>
void for_each_counter(CounterFamily const& family, Visit visit)
{
    for (size_t number = 0; number < family.of_cpu(0).size(); ++number)
        if (!family.name_of(number).empty()) visit(number);
}

void reset_counters();
/// Logs those that are not zero, over all CPUs.
void show_counters();
/// The same from `position` on (0: the beginning), until the budget is spent; true when all are shown.
[[nodiscard]] bool show_counters(u32& position, Budget& budget);

}
