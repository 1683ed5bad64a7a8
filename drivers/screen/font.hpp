// SPDX-License-Identifier: MIT
/// The built-in font, made from GRUB's while building (font.awk).
#pragma once

#include <span>

#include "kernel/lib/integers.hpp"

namespace hospes::screen {

inline constexpr unsigned glyph_width = 8;
inline constexpr unsigned glyph_height = 16;
using Glyph = std::span<u8 const, glyph_height>;

/// One byte a row from the top, the left pixel in the high bit. What is not printable ASCII looks like '?'.
[[nodiscard]] Glyph glyph_of(char character);

}
