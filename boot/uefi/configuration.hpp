// SPDX-License-Identifier: MIT
/// hospes.cfg: which kernel and RAM disk to start with which options.
///
///     [global]
///     default=debian
///
///     [debian]
///     options=console=vga,com1 dom0_mem=2G,max:2G
///     kernel=vmlinuz root=/dev/sda2 ro console=hvc0
///     ramdisk=initrd.img
///
/// Lines that begin with # are comments. Pure: no firmware here.
#pragma once

#include <optional>
#include <string_view>

#include "kernel/lib/integers.hpp"

namespace hospes::uefi {

[[nodiscard]] constexpr std::string_view trimmed(std::string_view text)
{
    constexpr std::string_view blanks = " \t\r";
    size_t const first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// What is in front of the first blank, and what is behind it.
struct FirstWord {
    std::string_view word, rest;
};
[[nodiscard]] constexpr FirstWord split_first_word(std::string_view text)
{
    size_t const end = text.find(' ');
    if (end == std::string_view::npos) return {text, {}};
    return {text.substr(0, end), trimmed(text.substr(end))};
}

class Configuration {
public:
    explicit constexpr Configuration(std::string_view text) : text_{text} {}

    [[nodiscard]] constexpr bool has_section(std::string_view section) const
    {
        return search(section, {}).section_found;
    }
    /// The value of `key` in `section`, if both exist.
    [[nodiscard]] constexpr std::optional<std::string_view> value(std::string_view section, std::string_view key) const
    {
        return search(section, key).value;
    }

private:
    struct Found {
        bool section_found = false;
        std::optional<std::string_view> value;
    };

    [[nodiscard]] constexpr Found search(std::string_view section, std::string_view key) const
    {
        Found found;
        bool inside = false;
        for (std::string_view rest = text_; !rest.empty();) {
            size_t const end = rest.find('\n');
            std::string_view const line = trimmed(rest.substr(0, end));
            rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
            if (line.starts_with('#')) continue;
            if (line.starts_with('[')) {
                inside = line.ends_with(']') && trimmed(line.substr(1, line.size() - 2)) == section;
                found.section_found |= inside;
                continue;
            }
            size_t const equals = line.find('=');
            if (!inside || equals == std::string_view::npos || trimmed(line.substr(0, equals)) != key) continue;
            found.value = trimmed(line.substr(equals + 1));
        }
        return found;
    }

    std::string_view text_;
};

}
