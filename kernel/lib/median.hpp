// SPDX-License-Identifier: MIT
/// The middle one of three measurements: a single outlier does not count.
#pragma once

#include <algorithm>
#include <array>

namespace hospes {

template <typename T>
[[nodiscard]] constexpr T median(std::array<T, 3> const& values)
{
    T const low = std::min(values[0], values[1]);
    T const high = std::max(values[0], values[1]);
    return std::max(low, std::min(high, values[2]));
}

}
