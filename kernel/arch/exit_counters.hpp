// SPDX-License-Identifier: MIT
/// How often guests left, by reason. Defined in arch/x86_64/guest.
#pragma once

#include <span>
#include <string_view>

#include "kernel/lib/counter.hpp"

namespace hospes::arch {

[[nodiscard]] std::span<Counter> exit_counters_of(unsigned cpu);
[[nodiscard]] std::string_view exit_name(size_t number);

}
