// SPDX-License-Identifier: MIT
/// The log's ring: positions count every character ever written, modulo 2^32; the oldest text is overwritten.
#pragma once

#include <algorithm>
#include <bit>
#include <span>

#include "kernel/lib/integers.hpp"

namespace hospes {

class LogRing {
public:
    explicit constexpr LogRing(std::span<char> buffer) : buffer_{buffer.first(std::bit_floor(buffer.size()))} {}

    void put(char character)
    {
        buffer_[written_++ & mask()] = character;
        if (written_ - cleared_ > buffer_.size()) ++cleared_;
    }

    /// See console::ring_read().
    u32 read(std::span<char> out, u32& index, bool incremental) const
    {
        u32 from = incremental && is_held(index) ? index : cleared_;
        u32 const count = static_cast<u32>(std::min<u64>(out.size(), written_ - from));
        for (u32 i = 0; i < count; ++i) out[i] = buffer_[(from + i) & mask()];
        index = from + count;
        return count;
    }

    void clear() { cleared_ = written_; }

    /// Goes on in `buffer`, with as much of the newest text as fits.
    void move_to(std::span<char> buffer)
    {
        LogRing larger{buffer};
        larger.written_ = larger.cleared_ = cleared_;
        for (u32 at = cleared_; at != written_; ++at) larger.put(buffer_[at & mask()]);
        *this = larger;
    }

    [[nodiscard]] constexpr size_t capacity() const { return buffer_.size(); }

private:
    [[nodiscard]] u32 mask() const { return static_cast<u32>(buffer_.size() - 1); }
    [[nodiscard]] bool is_held(u32 index) const { return written_ - index <= written_ - cleared_; }

    std::span<char> buffer_;
    u32 written_ = 0;
    u32 cleared_ = 0; ///< the oldest position still readable
};

}
