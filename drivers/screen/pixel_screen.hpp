// SPDX-License-Identifier: MIT
/// Text drawn on a linear framebuffer. Screens are slow to write and slower to read, so the text is kept in ordinary
/// memory, and after each piece of text only those cells are drawn whose character is not what the screen shows.
#pragma once

#include <algorithm>
#include <array>
#include <span>

#include "drivers/screen/font.hpp"
#include "drivers/screen/text_screen.hpp"

namespace hospes::screen {

struct PixelLayout {
    u32 pitch_bytes = 0, width = 0, height = 0;
    u8 bytes_per_pixel = 4;
};

/// The font is a parameter, so that tests need no generated one.
class PixelScreen {
public:
    using Font = Glyph (*)(char character);

    /// False if the layout cannot hold text; nothing is ever drawn then.
    [[nodiscard]] bool initialize(PixelLayout const& layout, Font font)
    {
        scale_ = layout.width >= wide_screen ? 2 : 1;
        columns_ = std::min(layout.width / (glyph_width * scale_), max_columns);
        rows_ = std::min(layout.height / (glyph_height * scale_), max_rows);
        bool const known_format = layout.bytes_per_pixel >= 2 && layout.bytes_per_pixel <= 4;
        bool const lines_fit = layout.pitch_bytes / std::max<u32>(layout.bytes_per_pixel, 1) >= layout.width;
        if (columns_ == 0 || rows_ == 0 || !known_format || !lines_fit) return false;
        layout_ = layout;
        font_ = font;
        text_ = TextScreen{wanted_.data(), columns_, rows_};
        text_.clear();
        return true;
    }

    /// Where the pixels can be written from now on; null: nowhere.
    void use_pixels(u8 volatile* pixels)
    {
        pixels_ = pixels;
        redraw();
    }
    /// Somebody else drew in the meantime: with the next text everything is drawn anew.
    void redraw() { shown_.fill(never_shown); }

    void write(std::span<char const> text)
    {
        text_.write(text);
        if (pixels_ == nullptr) return;
        for (unsigned row = 0; row < rows_; ++row)
            for (unsigned column = 0; column < columns_; ++column) refresh(row, column);
    }

private:
    static constexpr unsigned max_columns = 240, max_rows = 90;
    static constexpr u32 wide_screen = 2560; ///< from here on each pixel of the font is two by two
    static constexpr u16 never_shown = 0;
    static constexpr u32 grey_channels = 0xaaaa'aaaa; ///< in every format with 8 bits a channel
    static constexpr u32 grey_565 = 0xad55;

    void refresh(unsigned row, unsigned column)
    {
        unsigned const cell = row * columns_ + column;
        u16 const wanted = wanted_[cell];
        if (shown_[cell] == wanted) return;
        shown_[cell] = wanted;
        draw(row, column, static_cast<char>(wanted & 0xff));
    }

    void draw(unsigned row, unsigned column, char character)
    {
        Glyph const glyph = font_(character);
        size_t const left = size_t{column} * glyph_width * scale_ * layout_.bytes_per_pixel;
        for (unsigned y = 0; y < glyph_height * scale_; ++y) {
            size_t const line = (size_t{row} * glyph_height * scale_ + y) * layout_.pitch_bytes;
            u8 const bits = glyph[y / scale_];
            for (unsigned x = 0; x < glyph_width * scale_; ++x)
                put(pixels_ + line + left + size_t{x} * layout_.bytes_per_pixel, (bits << x / scale_ & 0x80) != 0);
        }
    }

    void put(u8 volatile* pixel, bool lit)
    {
        switch (layout_.bytes_per_pixel) {
        case 4: *reinterpret_cast<u32 volatile*>(pixel) = lit ? grey_channels : 0; break;
        case 3:
            for (unsigned i = 0; i < 3; ++i) pixel[i] = lit ? static_cast<u8>(grey_channels) : u8{0};
            break;
        default: *reinterpret_cast<u16 volatile*>(pixel) = lit ? static_cast<u16>(grey_565) : u16{0};
        }
    }

    std::array<u16, max_columns * max_rows> wanted_{};
    std::array<u16, max_columns * max_rows> shown_{};
    TextScreen text_;
    PixelLayout layout_;
    Font font_ = nullptr;
    u8 volatile* pixels_ = nullptr;
    unsigned scale_ = 1;
    unsigned columns_ = 0, rows_ = 0;
};

}
