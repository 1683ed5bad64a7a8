// SPDX-License-Identifier: MIT
/// The glyphs are generated: see font.awk.
#include "drivers/screen/font.hpp"

#include <array>

namespace hospes::screen {
namespace {

constexpr char first_character = ' ', last_character = '~';
constexpr size_t characters = last_character - first_character + 1;

constexpr std::array<u8, characters * glyph_height> glyphs{
#include <font_glyphs.inc>
};

}

Glyph glyph_of(char character)
{
    if (character < first_character || character > last_character) character = '?';
    size_t const index = static_cast<size_t>(character - first_character);
    return std::span{glyphs}.subspan(index * glyph_height).first<glyph_height>();
}

}
