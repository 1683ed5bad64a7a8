// SPDX-License-Identifier: MIT
/// Values of options: numbers, sizes, yes or no.
#pragma once

#include <optional>
#include <string_view>

#include "kernel/lib/integers.hpp"

namespace hospes {

/// Cuts `text` behind the first `separator` and returns what was in front of it; all of it if there is none.
[[nodiscard]] std::string_view take_until(std::string_view& text, char separator);

/// Decimal, or hexadecimal with 0x.
[[nodiscard]] std::optional<u64> parse_number(std::string_view text);

/// A number with K, M, G or T (of 1024); without a letter it counts `default_unit` bytes.
[[nodiscard]] std::optional<u64> parse_size(std::string_view text, u64 default_unit);

/// yes, on, true, enable, 1, and their opposites.
[[nodiscard]] std::optional<bool> parse_boolean(std::string_view text);

}
