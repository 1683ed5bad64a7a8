// SPDX-License-Identifier: MIT
/// How an access is cut at the end of a page, and what a write to a part of a register leaves of it.
#include "arch/x86_64/emulator/operands.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace hospes::emulator {
namespace {

std::vector<unsigned> pieces(u64 where, unsigned bytes)
{
    std::vector<unsigned> all;
    for (unsigned done = 0; done < bytes; done += all.back())
        all.push_back(next_piece(Gva{where + done}, bytes - done));
    return all;
}

TEST(Operands, AnAccessInAPageIsOne)
{
    for (unsigned const bytes : {1u, 2u, 4u, 8u}) EXPECT_EQ(pieces(0x1003, bytes), std::vector{bytes});
}

/// Devices are not asked for three bytes, say.
TEST(Operands, AnAccessAcrossPagesIsCutToAlignedPieces)
{
    using Pieces = std::vector<unsigned>;
    EXPECT_EQ(pieces(0x1fff, 2), (Pieces{1, 1}));
    EXPECT_EQ(pieces(0x1ffd, 4), (Pieces{1, 2, 1}));
    EXPECT_EQ(pieces(0x1ffe, 4), (Pieces{2, 2}));
    EXPECT_EQ(pieces(0x1ff9, 8), (Pieces{1, 2, 4, 1}));
    EXPECT_EQ(pieces(0x1ffa, 8), (Pieces{2, 4, 2}));
    EXPECT_EQ(pieces(0x1ffb, 8), (Pieces{1, 4, 2, 1}));
    EXPECT_EQ(pieces(0x1ffd, 8), (Pieces{1, 2, 4, 1}));
}

TEST(Operands, AWriteToAPartOfARegister)
{
    constexpr u64 before = 0x1122'3344'5566'7788, value = 0xaabb'ccdd'eeff'0011;
    EXPECT_EQ(merge(before, value, 1), 0x1122'3344'5566'7711u);
    EXPECT_EQ(merge(before, value, 2), 0x1122'3344'5566'0011u);
    EXPECT_EQ(merge(before, value, 4), 0xeeff'0011u);
    EXPECT_EQ(merge(before, value, 8), value);
}

}
}
