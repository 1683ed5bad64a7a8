// SPDX-License-Identifier: MIT
/// Short strings built piece by piece, without a heap: `Text<64>{}.add("device/vbd/", 51712)`.
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>

#include "kernel/lib/integers.hpp"

namespace hospes::test {

template <size_t capacity>
class Text {
public:
    template <typename... Pieces>
    Text& add(Pieces const&... pieces)
    {
        (add_one(pieces), ...);
        return *this;
    }
    [[nodiscard]] std::string_view view() const { return {text_.data(), length_}; }
    operator std::string_view() const { return view(); }

private:
    void add_one(std::string_view piece)
    {
        for (char character : piece.substr(0, capacity - length_)) {
            text_[length_++] = character;
        }
    }
    template <std::integral Integer>
    void add_one(Integer number)
    {
        std::array<char, 24> digits{};
        auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
        add_one(std::string_view{digits.data(), end});
    }

    std::array<char, capacity> text_{};
    size_t length_ = 0;
};

[[nodiscard]] inline std::optional<u64> number_in(std::string_view text)
{
    u64 value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{}) return std::nullopt;
    return value;
}

}
