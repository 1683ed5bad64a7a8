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
[[noreturn]] void panic(FormatString<T...> format, T const&... values)
{
    panic_with(format.text(), FormatArguments<sizeof...(T)>{values...}.span());
}

/// Where code was interrupted, and what else is to be said about it: called once it is sure that logging works again.
struct Interrupted {
    u64 instruction, frame; ///< the backtrace begins at them
    void (*log_more)(void const* context) = nullptr;
    void const* context = nullptr;
};

/// The same for exception handlers. They must not log before: the exception may have come while this CPU was logging.
[[noreturn]] void panic_at_with(Interrupted const& where, std::string_view format,
                                std::span<FormatArgument const> arguments);

template <typename... T>
[[noreturn]] void panic_at(Interrupted const& where, FormatString<T...> format, T const&... values)
{
    panic_at_with(where, format.text(), FormatArguments<sizeof...(T)>{values...}.span());
}

/// Adds a report of state to every later panic, at most eight. It must only log.
void at_panic(void (*report)());

/// A machine or configuration that cannot be used, found while booting: the message names the thing and the
/// remedy; no backtrace. Ends like panic().
[[noreturn]] void refuse_to_boot_with(std::string_view format, std::span<FormatArgument const> arguments);

template <typename... T>
[[noreturn]] void refuse_to_boot(FormatString<T...> format, T const&... values)
{
    refuse_to_boot_with(format.text(), FormatArguments<sizeof...(T)>{values...}.span());
}

}
