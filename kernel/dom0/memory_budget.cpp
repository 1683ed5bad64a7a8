// SPDX-License-Identifier: MIT
/// The default, then the option's three limits.
#include "kernel/dom0/memory_budget.hpp"

#include <algorithm>

#include "kernel/lib/address.hpp"

namespace hospes::dom0 {

namespace {

constexpr u64 largest_default_reserve_bytes = 128 * mib;

[[nodiscard]] u64 frames_of(MemoryAmount const& amount, u64 frames)
{
    return amount.of(frames << page_shift) >> page_shift;
}

}

u64 frames_for_dom0(Dom0Memory const& option, u64 total, u64 available)
{
    u64 const reserve = std::min(total / 16, pages_for(largest_default_reserve_bytes));
    u64 frames = available - std::min(available, reserve);
    if (option.size.given) frames = frames_of(option.size, option.size.negative ? available : total);
    if (option.minimum.given) frames = std::max(frames, frames_of(option.minimum, total));
    if (option.maximum.given) frames = std::min(frames, frames_of(option.maximum, total));
    return std::min(frames, most_for_dom0(available));
}

u64 limit_for_dom0(Dom0Memory const& option, u64 total)
{
    return option.maximum.given ? std::min(frames_of(option.maximum, total), total) : total;
}

u64 most_for_dom0(u64 available) { return available - std::min(available, pages_for(smallest_reserve_bytes)); }

bool asks_for_too_much(Dom0Memory const& option, u64 total)
{
    auto const exceeds = [total](MemoryAmount const& amount) {
        return amount.given && !amount.negative && amount.bytes > total << page_shift;
    };
    return exceeds(option.minimum) || (exceeds(option.size) && !option.maximum.given);
}

}
