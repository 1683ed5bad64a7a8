// SPDX-License-Identifier: MIT
/// For host tests and fuzzers of code that logs: log lines go nowhere, a panic is a crash.
#include <cstdlib>

#include "kernel/log/log.hpp"
#include "kernel/log/panic.hpp"

namespace hospes {

void log_line(LogLevel, std::string_view, std::span<FormatArgument const>) {}
void panic_with(std::string_view, std::span<FormatArgument const>) { std::abort(); }
void refuse_to_boot_with(std::string_view, std::span<FormatArgument const>) { std::abort(); }

}
