// SPDX-License-Identifier: MIT
/// The names of what happens, for the tables that show counters.
#include "kernel/counters/happening.hpp"

namespace hospes {

constinit PerCpu<HappeningCounters> happening_counters;

std::string_view happening_name(size_t number)
{
    static constexpr std::array<std::string_view, happening_count> names{
        "interrupts injected",     "NMIs injected",   "exceptions injected",
        "translations taken back", "devices flushed", "vCPU switched in",
    };
    return names[number];
}

}
