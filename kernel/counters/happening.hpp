// SPDX-License-Identifier: MIT
/// What the hypervisor does by itself and counts, besides the guests' exits and hypercalls (design.md D18).
#pragma once

#include <array>
#include <string_view>

#include "kernel/arch/cpu.hpp"
#include "kernel/lib/counter.hpp"

namespace hospes {

enum class Happening : u8 {
    InterruptInjected,
    NmiInjected,
    ExceptionInjected,
    TranslationsTakenBack, ///< a guest lost memory: all its CPUs had to forget translations
    DevicesFlushed,        ///< the IOMMUs forgot all translations
    VcpuSwitchedIn,        ///< a CPU took up a vCPU after another one or after idling
};
inline constexpr size_t happening_count = static_cast<size_t>(Happening::VcpuSwitchedIn) + 1;

using HappeningCounters = std::array<Counter, happening_count>;
extern PerCpu<HappeningCounters> happening_counters;

inline void count(Happening happening) { ++happening_counters.mine()[static_cast<size_t>(happening)]; }

[[nodiscard]] std::string_view happening_name(size_t number);

}
