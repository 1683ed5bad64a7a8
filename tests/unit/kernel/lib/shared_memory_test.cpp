// SPDX-License-Identifier: MIT
/// All bytes arrive, and nothing beside them, wherever the place begins and ends.
#include "kernel/lib/shared_memory.hpp"

#include <gtest/gtest.h>

#include <array>

namespace hospes {
namespace {

TEST(SharedMemory, StoresTheBytesAndNothingBeside)
{
    constexpr u8 untouched = 0xee;
    std::array<u8, 24> source;
    for (size_t i = 0; i < source.size(); ++i) source[i] = static_cast<u8>(i + 1);
    for (size_t begin = 0; begin < 9; ++begin)
        for (size_t length = 0; length <= source.size(); ++length) {
            alignas(8) std::array<u8, 40> place;
            place.fill(untouched);
            store_shared(&place[begin], std::span{source}.first(length));
            for (size_t i = 0; i < place.size(); ++i) {
                bool const inside = i >= begin && i < begin + length;
                ASSERT_EQ(place[i], inside ? source[i - begin] : untouched) << begin << ' ' << length << ' ' << i;
            }
        }
}

}
}
