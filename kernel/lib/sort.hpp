// SPDX-License-Identifier: MIT
/// Sorting what is short and sorted once: std::ranges::sort is two kilobytes of code for each type.
#pragma once

#include <algorithm>

namespace hospes {

/// In place, ascending by `key`; equal items come in any order.
template <std::ranges::random_access_range Items, typename Key>
constexpr void sort(Items&& items, Key key)
{
    std::ranges::make_heap(items, {}, key);
    std::ranges::sort_heap(items, {}, key);
}

}
