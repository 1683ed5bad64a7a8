// SPDX-License-Identifier: MIT
#include "kernel/lib/format.hpp"

#include <gtest/gtest.h>
#include <limits>

using namespace hospes;

namespace {

template <typename... T>
std::string text(std::string_view format, T const&... values)
{
    std::array<char, 100> buffer;
    return std::string{format_into(buffer, format, FormatArguments<sizeof...(T)>{values...}.span())};
}

}

TEST(Format, FillsPlaceholders)
{
    EXPECT_EQ(text("cpu{}: {} at {:x}", 1u, "here", Hpa{0x1000}), "cpu1: here at 0x1000");
    EXPECT_EQ(text("{} {} {}", true, 'c', std::string_view{"view"}), "yes c view");
    EXPECT_EQ(text("{} {}", std::numeric_limits<s64>::min(), std::numeric_limits<u64>::max()),
              "-9223372036854775808 18446744073709551615");
}

TEST(Format, SaysWhatIsMissingAndLeavesOtherBracesAlone)
{
    EXPECT_EQ(text("{} {}", 1), "1 (missing)");
    EXPECT_EQ(text("{x} }{ {:d}"), "{x} }{ {:d}");
    EXPECT_EQ(text("plain", 1, 2), "plain");
    EXPECT_EQ(text("{}", static_cast<char const*>(nullptr)), "(null)");
}

TEST(Format, StopsAtTheEndOfTheBuffer)
{
    std::array<char, 4> buffer;
    EXPECT_EQ(format_into(buffer, "{}", FormatArguments<1>{123456}.span()), "1234");
    EXPECT_EQ(format_into({}, "abc", {}), "");
}

namespace {

template <typename... T>
consteval FormatFault fault_of(std::string_view format)
{
    constexpr std::array<bool, sizeof...(T) + 1> is_number{is_hexadecimal_value<T>..., false};
    return check_format(format, std::span{is_number}.first(sizeof...(T)));
}

/// Whether a call with such a text and such values compiles: literals cannot be template arguments, their places can.
template <auto const& text, typename... T>
concept Compiles = requires { typename std::bool_constant<(CheckedFormat<T...>{text}, true)>; };

constexpr char one_number[] = "at {:x}";
constexpr char nothing[] = "plain }{}";

}

TEST(Format, IsComparedWithTheTypesOfItsValues)
{
    static_assert(fault_of<>("plain }") == FormatFault::None);
    static_assert(fault_of<int, char const*>("{:x} {}") == FormatFault::None);
    static_assert(fault_of<char[5], bool, char>("{}{}{}") == FormatFault::None);
    static_assert(fault_of<Hpa, void*, FormatFault>("{:x}{:x}{:x}") == FormatFault::None);
    static_assert(fault_of<int>("{} {}") == FormatFault::TooFewValues);
    static_assert(fault_of<int, int>("{}") == FormatFault::TooManyValues);
    static_assert(fault_of<char const*>("{:x}") == FormatFault::TextAsHexadecimal);
    static_assert(fault_of<char[5]>("{:x}") == FormatFault::TextAsHexadecimal);
    static_assert(fault_of<std::string_view>("{:x}") == FormatFault::TextAsHexadecimal);
    static_assert(fault_of<bool>("{:x}") == FormatFault::TextAsHexadecimal);
    static_assert(fault_of<int>("{:d}") == FormatFault::UnknownPlaceholder);
    static_assert(fault_of<int>("{") == FormatFault::UnknownPlaceholder);
}

TEST(Format, ThatDoesNotFitItsValuesDoesNotCompile)
{
    static_assert(Compiles<one_number, u64>);
    static_assert(!Compiles<one_number>);
    static_assert(!Compiles<one_number, char const*>);
    static_assert(Compiles<nothing, int>);
    static_assert(!Compiles<nothing, int, int>);
}
