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
