// SPDX-License-Identifier: MIT
/// Hands out one block of memory piece by piece and takes nothing back: what a decompressor needs, and no more.
#pragma once

#include <cstring>
#include <span>

#include "kernel/lib/address.hpp"

namespace hospes::dom0 {

class BumpAllocator {
public:
    explicit BumpAllocator(std::span<u8> memory) : rest_{memory} {}

    /// `count` times `bytes` zeroed bytes, aligned for any object; null when there is no room.
    [[nodiscard]] void* allocate(size_t count, size_t bytes)
    {
        constexpr size_t alignment = 16;
        size_t wanted = 0;
        if (__builtin_mul_overflow(count, bytes, &wanted)) return nullptr;
        size_t const gap = (alignment - reinterpret_cast<size_t>(rest_.data()) % alignment) % alignment;
        if (gap > rest_.size() || wanted > rest_.size() - gap) return nullptr;
        auto const piece = rest_.subspan(gap, wanted);
        rest_ = rest_.subspan(gap + wanted);
        std::memset(piece.data(), 0, piece.size());
        return piece.data();
    }

private:
    std::span<u8> rest_;
};

}
