// SPDX-License-Identifier: MIT
/// The hypervisor's log: to the console and to the ring that `xl dmesg` reads.
/// `log_info("cpu{}: {} frames at {:x}", cpu, count, address)`; placeholders are {} and {:x},
/// filled with integers, addresses, C strings, string_views, bools and characters.
#pragma once

#include <string_view>

#include "kernel/lib/format.hpp"

namespace hospes {

enum class LogLevel : u8 { Error, Warning, Info, Debug };

/// Writes one line (a newline is added). Safe from any context, takes LockRank::Console.
void log_line(LogLevel level, std::string_view format, std::span<FormatArgument const> arguments);

template <typename... T>
void log_error(FormatString<T...> format, T const&... values)
{
    log_line(LogLevel::Error, format.text(), FormatArguments<sizeof...(T)>{values...}.span());
}
template <typename... T>
void log_warning(FormatString<T...> format, T const&... values)
{
    log_line(LogLevel::Warning, format.text(), FormatArguments<sizeof...(T)>{values...}.span());
}
template <typename... T>
void log_info(FormatString<T...> format, T const&... values)
{
    log_line(LogLevel::Info, format.text(), FormatArguments<sizeof...(T)>{values...}.span());
}
template <typename... T>
void log_debug(FormatString<T...> format, T const&... values)
{
    log_line(LogLevel::Debug, format.text(), FormatArguments<sizeof...(T)>{values...}.span());
}

}
