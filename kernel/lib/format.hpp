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

/// What is wrong with a format.
enum class FormatFault : u8 { None, TooFewValues, TooManyValues, TextAsHexadecimal, UnknownPlaceholder };

/// `is_number`: of each value, whether {:x} can show it.
constexpr FormatFault check_format(std::string_view format, std::span<bool const> is_number)
{
    size_t used = 0;
    for (size_t start = format.find('{'); start != format.npos; start = format.find('{', start + 1)) {
        std::string_view const placeholder = format.substr(start, format.find('}', start) - start + 1);
        if (placeholder != "{}" && placeholder != "{:x}") return FormatFault::UnknownPlaceholder;
        if (used == is_number.size()) return FormatFault::TooFewValues;
        if (placeholder == "{:x}" && !is_number[used]) return FormatFault::TextAsHexadecimal;
        ++used;
    }
    return used == is_number.size() ? FormatFault::None : FormatFault::TooManyValues;
}

/// Whether {:x} shows a value of this type as a number.
template <typename T>
inline constexpr bool is_hexadecimal_value =
    !std::is_convertible_v<T const&, std::string_view> && !std::is_same_v<T, char> && !std::is_same_v<T, bool>;

/// Not constexpr: the compiler's error names the function, and with it the fault.
void this_format_has_more_placeholders_than_values();
void this_format_has_fewer_placeholders_than_values();
void this_format_shows_text_as_a_number();
void this_format_has_a_placeholder_that_does_not_exist();

/// A format that fits values of these types: any other does not compile.
template <typename... T>
class CheckedFormat {
public:
    template <std::convertible_to<std::string_view> Text>
    consteval CheckedFormat(Text const& text) : text_{text}
    {
        constexpr std::array<bool, sizeof...(T) + 1> is_number{is_hexadecimal_value<T>..., false};
        switch (check_format(text_, std::span{is_number}.first(sizeof...(T)))) {
        case FormatFault::None: break;
        case FormatFault::TooFewValues: this_format_has_more_placeholders_than_values(); break;
        case FormatFault::TooManyValues: this_format_has_fewer_placeholders_than_values(); break;
        case FormatFault::TextAsHexadecimal: this_format_shows_text_as_a_number(); break;
        case FormatFault::UnknownPlaceholder: this_format_has_a_placeholder_that_does_not_exist(); break;
        }
    }
    [[nodiscard]] constexpr std::string_view text() const { return text_; }

private:
    std::string_view text_;
};

/// For parameters: the types are those of the values, and the text is not asked for them.
template <typename... T>
using FormatString = CheckedFormat<std::type_identity_t<T>...>;

/// Writes the text into `buffer`, cut off at its end; returns what was written. Nothing is terminated.
std::string_view format_into(std::span<char> buffer, std::string_view format,
                             std::span<FormatArgument const> arguments);

}
