// SPDX-License-Identifier: MIT
/// Text on a grid of characters that scrolls; where the characters are shown is the caller's.
#pragma once

#include <span>

#include "kernel/lib/integers.hpp"

namespace hospes::screen {

/// A cell holds a character in its low byte, and colours as the PC's text screen has them in the high one.
class TextScreen {
public:
    constexpr TextScreen() = default;
    /// `cells` has room for `columns` times `rows`, both at least 1.
    constexpr TextScreen(u16 volatile* cells, unsigned columns, unsigned rows)
        : cells_{cells}, columns_{columns}, rows_{rows}
    {}

    void clear()
    {
        for (unsigned i = 0; i < columns_ * rows_; ++i) cells_[i] = blank;
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
        if (column_ == columns_) new_line();
        if (character == '\n')
            new_line();
        else if (character == '\r')
            column_ = 0;
        else if (character == '\t')
            column_ = (column_ + tab_width) / tab_width * tab_width < columns_
                          ? (column_ + tab_width) / tab_width * tab_width
                          : columns_;
        else if (character >= ' ')
            cells_[row_ * columns_ + column_++] = static_cast<u16>(colours | static_cast<u8>(character));
    }

    void new_line()
    {
        column_ = 0;
        if (row_ + 1 < rows_) {
            ++row_;
            return;
        }
        for (unsigned i = 0; i < columns_ * (rows_ - 1); ++i) cells_[i] = cells_[i + columns_];
        for (unsigned i = columns_ * (rows_ - 1); i < columns_ * rows_; ++i) cells_[i] = blank;
    }

    u16 volatile* cells_ = nullptr;
    unsigned columns_ = 1;
    unsigned rows_ = 1;
    unsigned row_ = 0;
    unsigned column_ = 0;
};

}
