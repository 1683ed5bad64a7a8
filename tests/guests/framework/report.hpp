// SPDX-License-Identifier: MIT
/// The one verb of a test: `report(condition, "what")`. Everything a test claims goes through it;
/// what cannot be tested here is said with `skip("why")`, never left out silently.
#pragma once

#include <concepts>
#include <source_location>
#include <string_view>

#include "kernel/lib/integers.hpp"

namespace hospes::test {

/// A condition that can say what it saw instead of what it wanted.
struct Condition {
    bool holds;
    bool has_values = false;
    s64 seen = 0;
    s64 wanted = 0;
    constexpr Condition(bool value) : holds{value} {}
    constexpr Condition(bool value, s64 saw, s64 want) : holds{value}, has_values{true}, seen{saw}, wanted{want} {}
};

/// `report(equal(result, 0), "...")` prints both values when they differ.
template <typename Seen, typename Wanted>
[[nodiscard]] constexpr Condition equal(Seen seen, Wanted wanted)
{
    auto saw = static_cast<s64>(seen);
    auto want = static_cast<s64>(wanted);
    return {saw == want, saw, want};
}

void report(Condition condition, std::string_view what, std::source_location where = std::source_location::current());
void skip(std::string_view why);

/// Prints the verdict line and ends the guest: `PASS name: N checks` or `FAIL name: n of N`.
[[noreturn]] void finish();

/// Something the test relies on did not happen: counted as a failed check, then finish().
[[noreturn]] void abandon(std::string_view why, std::source_location where = std::source_location::current());

/// Every guest defines exactly one, in its main.cpp.
struct Guest {
    std::string_view name;
    void (*run)();
};
extern Guest const this_guest;

}
