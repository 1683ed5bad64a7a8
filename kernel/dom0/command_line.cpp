// SPDX-License-Identifier: MIT
/// Words joined by single spaces.
#include "kernel/dom0/command_line.hpp"

#include <algorithm>

namespace hospes::dom0 {

namespace {

[[nodiscard]] std::string_view trimmed(std::string_view text)
{
    size_t const first = std::min(text.find_first_not_of(' '), text.size());
    text.remove_prefix(first);
    return text.substr(0, text.find_last_not_of(' ') + 1);
}

[[nodiscard]] std::string_view without_first_word(std::string_view text)
{
    return trimmed(text.substr(std::min(text.find(' '), text.size())));
}

[[nodiscard]] std::string_view without_file_name(std::string_view text, std::string_view loader)
{
    text = trimmed(text);
    bool const is_placeholder = text == "placeholder" || text.starts_with("placeholder ");
    return is_placeholder || !loader.starts_with("GRUB 2") ? without_first_word(text) : text;
}

class Text {
public:
    explicit Text(std::span<char> buffer) : buffer_{buffer} {}
    [[nodiscard]] bool append(std::string_view words)
    {
        if (words.empty()) return true;
        size_t const gap = length_ == 0 ? 0 : 1;
        if (words.size() + gap > buffer_.size() - length_) return false;
        if (gap != 0) buffer_[length_++] = ' ';
        std::ranges::copy(words, buffer_.subspan(length_).begin());
        length_ += words.size();
        return true;
    }
    [[nodiscard]] std::string_view view() const { return {buffer_.data(), length_}; }

private:
    std::span<char> buffer_;
    size_t length_ = 0;
};

}

Expected<std::string_view> make_command_line(std::span<char> buffer, CommandLineParts const& parts)
{
    Text text{buffer};
    bool const fits = text.append(without_file_name(parts.module_text, parts.loader_name)) &&
                      text.append(trimmed(parts.appended)) &&
                      text.append(parts.force_bounce_buffers ? "swiotlb=force" : "");
    if (!fits) return failure(Error::TooBig);
    return text.view();
}

}
