// SPDX-License-Identifier: MIT
/// What is yet to be sent on a serial line. A line of text for which there is no room is lost as a whole, and so are
/// those after it until half of the queue is free again: one long gap tells more than many short ones. The gap is
/// marked:
///
///     the last line that had room
///     [1234 characters lost]
///     the first line that has room again
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "kernel/lib/format.hpp"

namespace hospes::uart {

template <size_t capacity>
class TransmitQueue {
public:
    /// Appends text, LF as CR LF. A line may come in several pieces.
    void put(std::span<char const> text)
    {
        while (!text.empty()) {
            auto const end = std::ranges::find(text, '\n');
            bool const ends_line = end != text.end();
            auto const piece = text.first(static_cast<size_t>(end - text.begin()) + ends_line);
            put_piece(piece);
            at_line_start_ = ends_line;
            text = text.subspan(piece.size());
        }
    }

    [[nodiscard]] bool empty() const { return taken_ == put_; }
    /// The next byte to be sent, of a queue that is not empty.
    [[nodiscard]] u8 front() const { return static_cast<u8>(bytes_[taken_ % capacity]); }
    void pop() { ++taken_; }

private:
    [[nodiscard]] size_t room() const { return capacity - (put_ - taken_); }

    /// Part of one line, or all of it.
    void put_piece(std::span<char const> piece)
    {
        if (lost_ != 0 && at_line_start_ && room() >= capacity / 2) mark_loss();
        if (lost_ != 0 || room() <= piece.size())
            lost_ += piece.size();
        else
            for (char const character : piece) push(character);
    }

    void mark_loss()
    {
        if (last_ != '\n') push('\n');
        std::array<char, 40> text;
        for (char const character : format_into(text, "[{} characters lost]\n", FormatArguments<1>{lost_}.span()))
            push(character);
        lost_ = 0;
    }

    void push(char character)
    {
        if (character == '\n') bytes_[put_++ % capacity] = '\r';
        bytes_[put_++ % capacity] = last_ = character;
    }

    std::array<char, capacity> bytes_{};
    size_t put_ = 0, taken_ = 0; ///< bytes ever
    size_t lost_ = 0;            ///< since the last mark
    char last_ = '\n';           ///< the last character that went in
    bool at_line_start_ = true;  ///< of the text given, whether lost or not
};

}
