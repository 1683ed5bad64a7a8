// SPDX-License-Identifier: MIT
/// Formatting of log lines.
#include "kernel/lib/format.hpp"

#include <algorithm>
#include <charconv>

namespace hospes {
namespace {

/// Collects text until the buffer is full; the rest is lost.
class BoundedText {
public:
    explicit BoundedText(std::span<char> buffer) : buffer_{buffer} {}

    void put(char character)
    {
        if (used_ < buffer_.size()) buffer_[used_++] = character;
    }
    void put(std::string_view text)
    {
        for (char character : text) put(character);
    }
    [[nodiscard]] std::string_view text() const { return {buffer_.data(), used_}; }

private:
    std::span<char> buffer_;
    size_t used_ = 0;
};

constexpr size_t longest_number = 24;

void put_number(BoundedText& out, FormatArgument const& argument, bool hexadecimal)
{
    std::array<char, longest_number> digits;
    char* const end = digits.data() + digits.size();
    std::to_chars_result result{};
    if (hexadecimal) {
        out.put("0x");
        result = std::to_chars(digits.data(), end, argument.number(), 16);
    } else if (argument.kind() == FormatArgument::Kind::Signed) {
        result = std::to_chars(digits.data(), end, static_cast<s64>(argument.number()));
    } else {
        result = std::to_chars(digits.data(), end, argument.number());
    }
    out.put(std::string_view{digits.data(), result.ptr});
}

void put_argument(BoundedText& out, FormatArgument const& argument, bool hexadecimal)
{
    switch (argument.kind()) {
    case FormatArgument::Kind::Text: out.put(argument.text()); return;
    case FormatArgument::Kind::Character: out.put(static_cast<char>(argument.number())); return;
    case FormatArgument::Kind::Boolean: out.put(argument.number() != 0 ? "yes" : "no"); return;
    case FormatArgument::Kind::Signed:
    case FormatArgument::Kind::Unsigned: put_number(out, argument, hexadecimal); return;
    }
}

}

std::string_view format_into(std::span<char> buffer, std::string_view format, std::span<FormatArgument const> arguments)
{
    constexpr std::string_view decimal = "{}";
    constexpr std::string_view hexadecimal = "{:x}";
    BoundedText out{buffer};
    size_t next = 0;
    while (!format.empty()) {
        bool const is_hexadecimal = format.starts_with(hexadecimal);
        if (!is_hexadecimal && !format.starts_with(decimal)) {
            out.put(format.front());
            format.remove_prefix(1);
            continue;
        }
        format.remove_prefix(is_hexadecimal ? hexadecimal.size() : decimal.size());
        if (next < arguments.size())
            put_argument(out, arguments[next++], is_hexadecimal);
        else
            out.put("(missing)");
    }
    return out.text();
}

}
