// SPDX-License-Identifier: MIT
/// A fixed number of bits with scanning.
#pragma once

#include <array>
#include <bit>
#include <optional>

#include "kernel/lib/integers.hpp"

namespace hospes {

template <unsigned bits>
class Bitmap {
public:
    static constexpr unsigned size = bits;
    static constexpr unsigned word_count = (bits + 63) / 64;

    [[nodiscard]] constexpr bool test(unsigned bit) const { return (words_[bit / 64] >> (bit % 64) & 1) != 0; }
    constexpr void set(unsigned bit) { words_[bit / 64] |= u64{1} << (bit % 64); }
    constexpr void clear(unsigned bit) { words_[bit / 64] &= ~(u64{1} << (bit % 64)); }
    constexpr void assign(unsigned bit, bool value) { value ? set(bit) : clear(bit); }

    [[nodiscard]] constexpr bool none() const
    {
        for (u64 word : words_)
            if (word != 0) return false;
        return true;
    }
    [[nodiscard]] constexpr unsigned count() const
    {
        unsigned total = 0;
        for (u64 word : words_) total += static_cast<unsigned>(std::popcount(word));
        return total;
    }
    /// The lowest set bit at or above `from`.
    [[nodiscard]] constexpr std::optional<unsigned> first_set(unsigned from = 0) const { return scan(from, 0); }
    [[nodiscard]] constexpr std::optional<unsigned> first_clear(unsigned from = 0) const { return scan(from, ~u64{0}); }

    [[nodiscard]] constexpr u64 word(unsigned index) const { return words_[index]; }
    constexpr void set_word(unsigned index, u64 value) { words_[index] = value; }
    constexpr bool operator==(Bitmap const&) const = default;

private:
    [[nodiscard]] constexpr std::optional<unsigned> scan(unsigned from, u64 flip) const
    {
        for (unsigned index = from / 64; index < word_count; ++index) {
            u64 word = words_[index] ^ flip;
            if (index == from / 64) word &= ~u64{0} << (from % 64);
            if (word == 0) continue;
            unsigned const bit = index * 64 + static_cast<unsigned>(std::countr_zero(word));
            if (bit < bits) return bit;
            return std::nullopt;
        }
        return std::nullopt;
    }
    std::array<u64, word_count> words_{};
};

}
