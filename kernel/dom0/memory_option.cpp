// SPDX-License-Identifier: MIT
/// Amounts: parsed term by term, then added up and limited.
#include "kernel/dom0/memory_option.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "kernel/lib/address.hpp"

namespace hospes::dom0 {

namespace {

struct Unit {
    char letter;
    unsigned shift;
};
constexpr std::array units{Unit{'b', 0}, Unit{'k', 10}, Unit{'m', 20}, Unit{'g', 30}, Unit{'t', 40}};
constexpr unsigned default_shift = 10;

[[nodiscard]] constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// What is in front of `separator`; removed from `text` together with it.
[[nodiscard]] std::string_view take_until(std::string_view& text, char separator)
{
    size_t const end = std::min(text.find(separator), text.size());
    auto const head = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return head;
}

[[nodiscard]] bool take_prefix(std::string_view& text, std::string_view prefix)
{
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

/// Adds `512M` or `10%` to `amount`.
[[nodiscard]] bool add_term(MemoryAmount& amount, std::string_view term)
{
    bool const is_hexadecimal = take_prefix(term, "0x");
    u64 value = 0;
    auto const [end, error] = std::from_chars(term.data(), term.data() + term.size(), value, is_hexadecimal ? 16 : 10);
    if (error != std::errc{}) return false;
    term.remove_prefix(static_cast<size_t>(end - term.data()));
    if (term == "%") {
        amount.percent = static_cast<u32>(std::min<u64>(value, 100));
        return true;
    }
    unsigned shift = default_shift;
    if (!term.empty()) {
        auto const unit = std::ranges::find(units, lower(term[0]), &Unit::letter);
        if (unit == units.end() || term.size() != 1) return false;
        shift = unit->shift;
    }
    if (value > (~u64{0} >> shift)) return false;
    return !__builtin_add_overflow(amount.bytes, value << shift, &amount.bytes);
}

[[nodiscard]] Expected<MemoryAmount> parse_amount(std::string_view text)
{
    MemoryAmount amount;
    amount.all_but = take_prefix(text, "-");
    if (text.empty() || text.back() == '+') return failure(Error::Invalid);
    while (!text.empty())
        if (!add_term(amount, take_until(text, '+'))) return failure(Error::Invalid);
    return amount;
}

[[nodiscard]] u64 frames_of(MemoryAmount const& amount, u64 total)
{
    u64 const share = static_cast<u64>(u128{total} * amount.percent / 100);
    u64 const frames = pages_for(amount.bytes) + share;
    if (!amount.all_but) return frames;
    return total > frames ? total - frames : 0;
}

[[nodiscard]] MemoryAmount default_amount(u64 total)
{
    constexpr u64 largest_reserve = 128 * mib;
    return {.bytes = std::min(total / 16 * page_size, largest_reserve), .all_but = true};
}

}

Expected<MemoryOption> parse_memory_option(std::string_view text)
{
    MemoryOption option;
    if (text.empty()) return failure(Error::Invalid);
    while (!text.empty()) {
        auto part = take_until(text, ',');
        std::optional<MemoryAmount>* meant = &option.size;
        if (take_prefix(part, "min:"))
            meant = &option.min;
        else if (take_prefix(part, "max:"))
            meant = &option.max;
        auto const amount = parse_amount(part);
        if (!amount) return failure(amount.error());
        *meant = *amount;
    }
    return option;
}

u64 dom0_frames(MemoryOption const& option, u64 total, u64 free)
{
    // "All but" counts from what is free, so that it holds whatever the hypervisor itself already uses.
    auto const size = option.size ? *option.size : default_amount(total);
    u64 frames = frames_of(size, size.all_but ? free : total);
    if (option.min) frames = std::max(frames, frames_of(*option.min, total));
    if (option.max) frames = std::min(frames, frames_of(*option.max, total));
    return std::min(frames, free);
}

}
