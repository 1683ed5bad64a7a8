// SPDX-License-Identifier: MIT
/// Text on a grid of characters that scrolls; where the characters are shown is the caller's.
#pragma once

#include <array>
#include <span>

#include "kernel/lib/integers.hpp"

namespace hospes::screen {

/// `Cells` is indexed like an array of volatile u16: character in the low byte, colours in the high one.
template <unsigned columns, unsigned rows>
class TextScreen {
public:
    explicit constexpr TextScreen(u16 volatile* cells = nullptr) : cells_{cells} {}

    void clear()
    {
        for (unsigned i = 0; i < columns * rows; ++i) cells_[i] = blank;
        row_ = column_ = 0;
    }

    void write(std::span<char const> text)
    {
        for (char character : text) put(character);
    }

private:
    static constexpr u16 colours = 0x0700; ///< light grey on black
    static constexpr u16 blank = colours | ' ';
    static constexpr unsigned tab_width = 8;

    void put(char character)
    {
        if (column_ == columns) new_line();
        if (character == '\n')
            new_line();
        else if (character == '\r')
            column_ = 0;
        else if (character == '\t')
            column_ = (column_ + tab_width) / tab_width * tab_width < columns
                          ? (column_ + tab_width) / tab_width * tab_width
                          : columns;
        else if (character >= ' ')
            cells_[row_ * columns + column_++] = static_cast<u16>(colours | static_cast<u8>(character));
    }

    void new_line()
    {
        column_ = 0;
        if (row_ + 1 < rows) {
            ++row_;
            return;
        }
        for (unsigned i = 0; i < columns * (rows - 1); ++i) cells_[i] = cells_[i + columns];
        for (unsigned i = columns * (rows - 1); i < columns * rows; ++i) cells_[i] = blank;
    }

    u16 volatile* cells_;
    unsigned row_ = 0;
    unsigned column_ = 0;
};

}
