// SPDX-License-Identifier: MIT
/// Values of options: numbers, sizes, yes or no.
#include "kernel/options/parse_values.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace hospes {

std::string_view take_until(std::string_view& text, char separator)
{
    size_t const length = std::min(text.find(separator), text.size());
    std::string_view const taken = text.substr(0, length);
    text.remove_prefix(std::min(length + 1, text.size()));
    return taken;
}

std::optional<u64> parse_number(std::string_view text)
{
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        base = 16;
        text.remove_prefix(2);
    }
    u64 value = 0;
    char const* const end = text.data() + text.size();
    auto const [stopped, error] = std::from_chars(text.data(), end, value, base);
    if (error != std::errc{} || stopped != end) return std::nullopt;
    return value;
}

std::optional<u64> parse_size(std::string_view text, u64 default_unit)
{
    struct Unit {
        char letter;
        u64 bytes;
    };
    constexpr std::array units{Unit{'b', 1}, Unit{'k', kib}, Unit{'m', mib}, Unit{'g', gib}, Unit{'t', 1024 * gib}};
    if (text.empty()) return std::nullopt;
    u64 unit = default_unit;
    char const last = static_cast<char>(text.back() | 0x20);
    for (Unit const& candidate : units)
        if (candidate.letter == last && !text.starts_with("0x")) {
            unit = candidate.bytes;
            text.remove_suffix(1);
            break;
        }
    std::optional<u64> const count = parse_number(text);
    u64 bytes = 0;
    if (!count || __builtin_mul_overflow(*count, unit, &bytes)) return std::nullopt;
    return bytes;
}

std::optional<bool> parse_boolean(std::string_view text)
{
    constexpr std::array<std::string_view, 5> positive{"yes", "on", "true", "enable", "1"};
    constexpr std::array<std::string_view, 5> negative{"no", "off", "false", "disable", "0"};
    if (std::ranges::contains(positive, text)) return true;
    if (std::ranges::contains(negative, text)) return false;
    return std::nullopt;
}

}
