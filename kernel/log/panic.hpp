// SPDX-License-Identifier: MIT
/// The end: for our own broken invariants and broken hardware only, never for what a guest does.
#pragma once

#include <string_view>

#include "kernel/lib/format.hpp"

namespace hospes {

/// Prints the message, a symbolised backtrace and the state on every console, stops the other CPUs,
/// then reboots, or halts if `noreboot` was given.
[[noreturn]] void panic_with(std::string_view format, std::span<FormatArgument const> arguments);

template <typename... T>
[[noreturn]] void panic(std::string_view format, T const&... values)
{
    panic_with(format, FormatArguments<sizeof...(T)>{values...}.span());
}

/// The same for exception handlers: the backtrace begins at the interrupted instruction, whose frame pointer is
/// `frame`.
[[noreturn]] void panic_at_with(u64 instruction, u64 frame, std::string_view format,
                                std::span<FormatArgument const> arguments);

template <typename... T>
[[noreturn]] void panic_at(u64 instruction, u64 frame, std::string_view format, T const&... values)
{
    panic_at_with(instruction, frame, format, FormatArguments<sizeof...(T)>{values...}.span());
}

/// Adds a report of state to every later panic, at most eight. It must only log.
void at_panic(void (*report)());

/// A machine or configuration that cannot be used, found while booting: the message names the thing and the
/// remedy; no backtrace. Ends like panic().
[[noreturn]] void refuse_to_boot_with(std::string_view format, std::span<FormatArgument const> arguments);

template <typename... T>
[[noreturn]] void refuse_to_boot(std::string_view format, T const&... values)
{
    refuse_to_boot_with(format, FormatArguments<sizeof...(T)>{values...}.span());
}

}
