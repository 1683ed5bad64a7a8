// SPDX-License-Identifier: MIT
/// Text that is put together piece by piece, for one line of the log; what does not fit is cut off.
#pragma once

#include "kernel/lib/format.hpp"

namespace hospes {

template <size_t capacity>
class BoundedText {
public:
    template <typename... T>
    void add(FormatString<T...> format, T const&... values)
    {
        std::span const rest = std::span{text_}.subspan(used_);
        used_ += format_into(rest, format.text(), FormatArguments<sizeof...(T)>{values...}.span()).size();
    }
    [[nodiscard]] bool is_empty() const { return used_ == 0; }
    [[nodiscard]] std::string_view text() const { return {text_.data(), used_}; }

private:
    std::array<char, capacity> text_;
    size_t used_ = 0;
};

}
