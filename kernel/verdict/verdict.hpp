// SPDX-License-Identifier: MIT
/// The platform verdict: one table of what was found on this machine, whether it is used, and what the admin can do
/// about it. (design.md, section 5.)
///
/// Every part of the hypervisor that examines hardware adds its rows while booting; print() then writes all of them to
/// the log, one line each, in a form that `hospes-verdict` in dom0 reads again:
///
///     verdict: WHAT | in use | FOUND | ADVICE
#pragma once

#include <string_view>

#include "kernel/lib/format.hpp"
#include "kernel/lib/function_ref.hpp"

namespace hospes::verdict {

enum class Standing : u8 {
    InUse,
    Absent,     ///< the machine does not have it, or hides it
    Broken,     ///< there, but not to be trusted
    SwitchedOff ///< there or not: an option said not to use it, or Hospes never does
};
[[nodiscard]] std::string_view word_for(Standing standing);

struct Row {
    std::string_view what; ///< static storage; a later row of the same name takes an earlier one's place
    Standing standing = Standing::InUse;
    std::string_view found;  ///< copied, up to 120 characters; with Standing::Broken this is why
    std::string_view advice; ///< static storage; empty if nothing needs doing
};
/// Rows beyond some 32 are dropped.
void add(Row const& row);

/// The same, with FOUND put together from pieces.
void add_formatted(std::string_view what, Standing standing, std::string_view advice, std::string_view format,
                   std::span<FormatArgument const> arguments);
template <typename... T>
void add(std::string_view what, Standing standing, std::string_view advice, FormatString<T...> format,
         T const&... values)
{
    add_formatted(what, standing, advice, format.text(), FormatArguments<sizeof...(T)>{values...}.span());
}

/// Calls `act` for each row, in order of addition.
void for_each(FunctionRef<void(Row const&)> act);
/// Logs the table.
void print();
/// Forgets all rows: for tests.
void clear();

}
