// SPDX-License-Identifier: MIT
#include "kernel/lib/memory_loops.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>
#include <vector>

using namespace hospes;

namespace {

std::vector<u8> counting(size_t bytes)
{
    std::vector<u8> bytes_of(bytes);
    std::iota(bytes_of.begin(), bytes_of.end(), u8{1});
    return bytes_of;
}

}

TEST(MemoryLoops, MoveIsRightForEveryOverlap)
{
    for (size_t from = 0; from < 24; ++from)
        for (size_t to = 0; to < 24; ++to)
            for (size_t bytes = 0; bytes < 40; ++bytes) {
                std::vector<u8> moved = counting(64), wanted = moved;
                std::vector<u8> const source = moved;
                std::copy_n(source.begin() + static_cast<long>(from), bytes, wanted.begin() + static_cast<long>(to));
                memory_loops::move(moved.data() + to, moved.data() + from, bytes);
                ASSERT_EQ(moved, wanted) << from << " " << to << " " << bytes;
            }
}

TEST(MemoryLoops, FillTouchesOnlyItsBytes)
{
    for (size_t start = 0; start < 9; ++start)
        for (size_t bytes = 0; bytes < 40; ++bytes) {
            std::vector<u8> filled = counting(64), wanted = filled;
            std::fill_n(wanted.begin() + static_cast<long>(start), bytes, u8{0xab});
            memory_loops::fill(filled.data() + start, 0xab, bytes);
            ASSERT_EQ(filled, wanted);
        }
}

TEST(MemoryLoops, CompareFindsTheFirstDifference)
{
    std::vector<u8> const left = counting(40);
    EXPECT_EQ(memory_loops::compare(left.data(), left.data(), 40), 0);
    for (size_t at = 0; at < 40; ++at) {
        std::vector<u8> right = left;
        right[at] = 0xff;
        if (at + 1 < 40) right[at + 1] = 0;
        EXPECT_LT(memory_loops::compare(left.data(), right.data(), 40), 0);
        EXPECT_GT(memory_loops::compare(right.data(), left.data(), 40), 0);
        EXPECT_EQ(memory_loops::compare(left.data(), right.data(), at), 0);
    }
}
