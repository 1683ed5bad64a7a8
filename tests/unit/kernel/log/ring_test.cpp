// SPDX-License-Identifier: MIT
#include "kernel/log/ring.hpp"

#include <array>
#include <gtest/gtest.h>
#include <string>

using namespace hospes;

namespace {

void write(LogRing& ring, std::string_view text)
{
    for (char character : text) ring.put(character);
}

std::string read(LogRing const& ring, u32& index, bool incremental, size_t most = 100)
{
    std::string out(most, '?');
    out.resize(ring.read(out, index, incremental));
    return out;
}

}

TEST(LogRing, AReaderThatGoesOnMissesNothing)
{
    std::array<char, 16> room;
    LogRing ring{room};
    u32 index = 0;
    write(ring, "hello");
    EXPECT_EQ(read(ring, index, false), "hello");
    EXPECT_EQ(read(ring, index, true), "");
    write(ring, " world");
    EXPECT_EQ(read(ring, index, true, 3), " wo");
    EXPECT_EQ(read(ring, index, true), "rld");
}

TEST(LogRing, TheOldestTextGoesFirst)
{
    std::array<char, 20> room; // 16 of them are used
    LogRing ring{room};
    EXPECT_EQ(ring.capacity(), 16u);
    write(ring, "0123456789abcdefXYZ");
    u32 index = 0;
    EXPECT_EQ(read(ring, index, false), "3456789abcdefXYZ");
    u32 overtaken = 1;
    EXPECT_EQ(read(ring, overtaken, true), "3456789abcdefXYZ");
    u32 from_the_future = 1000;
    EXPECT_EQ(read(ring, from_the_future, true), "3456789abcdefXYZ");
}

TEST(LogRing, ClearForgets)
{
    std::array<char, 16> room;
    LogRing ring{room};
    write(ring, "old");
    ring.clear();
    write(ring, "new");
    u32 index = 0;
    EXPECT_EQ(read(ring, index, false), "new");
}

TEST(LogRing, MovesToALargerBufferAndBackToASmallerOne)
{
    std::array<char, 16> room;
    std::array<char, 64> larger;
    std::array<char, 4> smaller;
    LogRing ring{room};
    write(ring, "0123456789abcdefXYZ");
    u32 index = 0;
    ring.move_to(larger);
    EXPECT_EQ(read(ring, index, false), "3456789abcdefXYZ");
    write(ring, "!");
    EXPECT_EQ(read(ring, index, true), "!");
    ring.move_to(smaller);
    EXPECT_EQ(read(ring, index, false), "XYZ!");
}
