// SPDX-License-Identifier: MIT
/// What the boot loader left in memory, read through a seam that tests and fuzzers can replace;
/// and a place of our own for the strings in it, since the loader's memory is soon used for something else.
#pragma once

#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "kernel/lib/address.hpp"

namespace hospes::boot {

class LoaderMemory {
public:
    /// The bytes at `where`, fewer than asked for at the end of what can be reached.
    [[nodiscard]] virtual std::span<u8 const> view(Hpa where, u64 bytes) const = 0;

    /// A private copy of the object at `where`.
    template <typename T>
        requires std::is_trivially_copyable_v<T>
    [[nodiscard]] std::optional<T> read(Hpa where) const
    {
        std::span<u8 const> const bytes = view(where, sizeof(T));
        if (bytes.size() < sizeof(T)) return std::nullopt;
        T object;
        std::memcpy(&object, bytes.data(), sizeof(T));
        return object;
    }

    /// The text at `where` up to its terminating zero, cut off at `longest`.
    [[nodiscard]] std::string_view text(Hpa where, u64 longest = longest_text) const
    {
        std::span<u8 const> const bytes = view(where, longest);
        u64 length = 0;
        while (length < bytes.size() && bytes[length] != 0) ++length;
        return {reinterpret_cast<char const*>(bytes.data()), length};
    }

    static constexpr u64 longest_text = 4096;

protected:
    ~LoaderMemory() = default;
};

/// Keeps copies of strings for the life of the system.
class StringStore {
public:
    explicit constexpr StringStore(std::span<char> room) : room_{room} {}

    /// Cut off when there is no more room.
    [[nodiscard]] std::string_view keep(std::string_view text)
    {
        std::string_view const fitting = text.substr(0, room_.size());
        if (!fitting.empty()) std::memcpy(room_.data(), fitting.data(), fitting.size());
        std::string_view const kept{room_.data(), fitting.size()};
        room_ = room_.subspan(fitting.size());
        return kept;
    }

private:
    std::span<char> room_;
};

}
