// SPDX-License-Identifier: MIT
#include "arch/x86_64/guest/exit.hpp"

#include <gtest/gtest.h>
#include <type_traits>

using namespace hospes;
using namespace hospes::arch;

namespace {

/// Whether `Exit{kind}` compiles.
template <ExitKind kind>
concept CanBeWrittenWithoutDetails = requires { typename std::bool_constant<(Exit{kind}, true)>; };

template <size_t number = 0>
constexpr bool compiles_exactly_without_details()
{
    if constexpr (number == exit_kind_count) {
        return true;
    } else {
        constexpr auto kind = static_cast<ExitKind>(number);
        return CanBeWrittenWithoutDetails<kind> != has_details(kind) && compiles_exactly_without_details<number + 1>();
    }
}

}

TEST(Exit, AKindWithoutItsDetailsDoesNotCompile)
{
    static_assert(CanBeWrittenWithoutDetails<ExitKind::Halt>);
    static_assert(!CanBeWrittenWithoutDetails<ExitKind::Port>);
    static_assert(compiles_exactly_without_details());
    static_assert(!std::is_constructible_v<Exit, ExitKind, PortExit>);
}

TEST(Exit, DetailsTellTheirKind)
{
    static_assert(Exit{PortExit{.port = 0x70, .bytes = 1}}.kind == ExitKind::Port);
    static_assert(Exit{PortExit{.port = 0x70, .bytes = 1}}.port.port == 0x70);
    static_assert(Exit{MemoryExit{.where = Gpa{0x1000}}}.kind == ExitKind::MemoryFault);
    static_assert(Exit{ExceptionExit{.vector = 17}}.kind == ExitKind::Exception);
    static_assert(Exit{EndOfInterruptExit{.vector = 0x30}}.kind == ExitKind::EndOfInterrupt);
    static_assert(Exit{ApicWriteExit{.offset = 0x80}}.kind == ExitKind::ApicWrite);
    static_assert(Exit{UnknownExit{.code = 0x404}}.kind == ExitKind::Unknown);
}

TEST(Exit, AtRunTimeAKindIsAnExitIfItHasNoDetails)
{
    for (size_t number = 0; number < exit_kind_count; ++number) {
        auto const kind = static_cast<ExitKind>(number);
        bool described = false;
        Exit const exit = Exit::made_of(kind, [&]() -> Exit {
            described = true;
            return UnknownExit{.code = number};
        });
        EXPECT_EQ(described, has_details(kind)) << number;
        EXPECT_EQ(exit.kind, described ? ExitKind::Unknown : kind);
    }
}
