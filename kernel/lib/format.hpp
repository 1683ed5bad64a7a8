// SPDX-License-Identifier: MIT
/// Type-safe text formatting into a bounded buffer. Placeholders: {} decimal or text, {:x} hexadecimal with 0x.
#pragma once

#include <array>
#include <concepts>
#include <span>
#include <string_view>
#include <type_traits>

#include "kernel/lib/address.hpp"

namespace hospes {

/// One value to be printed.
class FormatArgument {
public:
    enum class Kind : u8 { Signed, Unsigned, Text, Character, Boolean };

    constexpr FormatArgument() = default;
    constexpr FormatArgument(std::string_view text) : kind_{Kind::Text}, text_{text} {}
    constexpr FormatArgument(char const* text) : FormatArgument{text ? std::string_view{text} : "(null)"} {}
    constexpr FormatArgument(bool value) : kind_{Kind::Boolean}, number_{value} {}
    constexpr FormatArgument(char value) : kind_{Kind::Character}, number_{static_cast<u8>(value)} {}
    template <std::integral T>
    constexpr FormatArgument(T value)
        : kind_{std::is_signed_v<T> ? Kind::Signed : Kind::Unsigned}, number_{static_cast<u64>(value)}
    {}
    template <typename T>
        requires std::is_enum_v<T>
    constexpr FormatArgument(T value) : FormatArgument{static_cast<std::underlying_type_t<T>>(value)}
    {}
    template <typename Space>
    constexpr FormatArgument(Address<Space> address) : FormatArgument{address.raw()}
    {}
    template <typename T>
    FormatArgument(T const* pointer) : kind_{Kind::Unsigned}, number_{reinterpret_cast<u64>(pointer)}
    {}

    [[nodiscard]] constexpr Kind kind() const { return kind_; }
    [[nodiscard]] constexpr u64 number() const { return number_; }
    [[nodiscard]] constexpr std::string_view text() const { return text_; }

private:
    Kind kind_ = Kind::Text;
    u64 number_ = 0;
    std::string_view text_;
};

template <size_t count>
class FormatArguments {
public:
    template <typename... T>
    explicit constexpr FormatArguments(T const&... values) : values_{FormatArgument{values}...}
    {}
    [[nodiscard]] constexpr std::span<FormatArgument const> span() const { return {values_.data(), count}; }

private:
    std::array<FormatArgument, count == 0 ? 1 : count> values_{};
};

/// Writes the text into `buffer`, cut off at its end; returns what was written. Nothing is terminated.
std::string_view format_into(std::span<char> buffer, std::string_view format,
                             std::span<FormatArgument const> arguments);

}
