// SPDX-License-Identifier: MIT
/// For host tests and fuzzers of code that logs: log lines go to a LogListener or nowhere, a panic is a crash that says
/// why.
#include "tests/fakes/quiet_log.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>

#include "kernel/log/log.hpp"
#include "kernel/log/panic.hpp"

namespace hospes {

namespace {

thread_local fakes::LogListener* listener = nullptr;

[[noreturn]] void die(std::string_view format, std::span<FormatArgument const> arguments)
{
    std::array<char, 300> text;
    std::string_view const why = format_into(text, format, arguments);
    std::fprintf(stderr, "%.*s\n", static_cast<int>(why.size()), why.data());
    std::abort();
}

}

namespace fakes {

LogListener::LogListener() { listener = this; }
LogListener::~LogListener() { listener = nullptr; }

}

void log_line(LogLevel, std::string_view format, std::span<FormatArgument const> arguments)
{
    if (listener == nullptr) return;
    std::array<char, 300> line;
    listener->text.append(format_into(line, format, arguments)).push_back('\n');
}
void panic_with(std::string_view format, std::span<FormatArgument const> arguments) { die(format, arguments); }
void refuse_to_boot_with(std::string_view format, std::span<FormatArgument const> arguments) { die(format, arguments); }

}
