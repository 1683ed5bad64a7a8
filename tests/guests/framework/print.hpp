// SPDX-License-Identifier: MIT
/// Text output: `print("port ", port, " flags ", hex(flags), "\n")`.
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <string_view>

#include "kernel/lib/integers.hpp"

namespace hospes::test {

/// Sends text to the guest's console, whichever that is (console.cpp).
void write_console(std::string_view text);

struct Hexadecimal {
    u64 value;
};

[[nodiscard]] constexpr Hexadecimal hex(u64 value) { return {value}; }

inline void print_one(std::string_view text) { write_console(text); }
inline void print_one(char const* text) { write_console(text); }
inline void print_one(bool value) { write_console(value ? "true" : "false"); }

template <std::integral Integer>
void print_one(Integer value)
{
    std::array<char, 24> buffer{};
    auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    write_console({buffer.data(), end});
}

inline void print_one(Hexadecimal number)
{
    std::array<char, 24> buffer{'0', 'x'};
    auto end = std::to_chars(buffer.data() + 2, buffer.data() + buffer.size(), number.value, 16).ptr;
    write_console({buffer.data(), end});
}

template <typename... Arguments>
void print(Arguments const&... arguments)
{
    (print_one(arguments), ...);
}

}
