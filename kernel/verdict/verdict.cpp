// SPDX-License-Identifier: MIT
/// The rows are kept, since the table is printed at the end of booting, or when booting ends for want of something.
#include "kernel/verdict/verdict.hpp"

#include <algorithm>
#include <array>

#include "kernel/lib/static_vector.hpp"
#include "kernel/log/log.hpp"

namespace hospes::verdict {
namespace {

constexpr size_t most_rows = 32, longest_found = 120;

struct KeptRow {
    std::string_view what{}, advice{};
    Standing standing = Standing::InUse;
    std::array<char, longest_found> found{};
    size_t found_length = 0;

    [[nodiscard]] Row row() const { return {what, standing, {found.data(), found_length}, advice}; }
};

constinit StaticVector<KeptRow, most_rows> rows;

KeptRow* place_for(std::string_view what)
{
    for (KeptRow& row : rows.items())
        if (row.what == what) return &row;
    return rows.push_back({.what = what}) ? &rows[rows.size() - 1] : nullptr;
}

}

std::string_view word_for(Standing standing)
{
    switch (standing) {
    case Standing::InUse: return "in use";
    case Standing::Absent: return "absent";
    case Standing::Broken: return "broken";
    case Standing::SwitchedOff: return "off";
    }
    return "unknown";
}

void add(Row const& row)
{
    KeptRow* const kept = place_for(row.what);
    if (kept == nullptr) return;
    std::string_view const found = row.found.substr(0, longest_found);
    kept->standing = row.standing;
    kept->advice = row.advice;
    kept->found_length = found.size();
    std::ranges::copy(found, kept->found.begin());
}

void add_formatted(std::string_view what, Standing standing, std::string_view advice, std::string_view format,
                   std::span<FormatArgument const> arguments)
{
    std::array<char, longest_found> text;
    add({.what = what, .standing = standing, .found = format_into(text, format, arguments), .advice = advice});
}

void for_each(FunctionRef<void(Row const&)> act)
{
    for (KeptRow const& row : rows.items()) act(row.row());
}

void print()
{
    for_each([](Row const& row) {
        log_info("verdict: {} | {} | {} | {}", row.what, word_for(row.standing), row.found, row.advice);
    });
}

void clear() { rows.clear(); }

}
