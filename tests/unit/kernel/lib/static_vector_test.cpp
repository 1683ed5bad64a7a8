// SPDX-License-Identifier: MIT
#include "kernel/lib/static_vector.hpp"

#include <gtest/gtest.h>

using namespace hospes;

TEST(StaticVector, RefusesMoreThanItsCapacity)
{
    StaticVector<int, 2> vector;
    EXPECT_TRUE(vector.push_back(1));
    EXPECT_TRUE(vector.push_back(2));
    EXPECT_FALSE(vector.push_back(3));
    EXPECT_FALSE(vector.insert(0, 3));
    EXPECT_EQ(vector.size(), 2u);
}

TEST(StaticVector, InsertsAndErasesInPlace)
{
    StaticVector<int, 4> vector;
    ASSERT_TRUE(vector.insert(0, 3) && vector.insert(0, 1) && vector.insert(1, 2));
    EXPECT_EQ((std::array{vector[0], vector[1], vector[2]}), (std::array{1, 2, 3}));
    vector.erase(1);
    EXPECT_EQ((std::array{vector[0], vector[1]}), (std::array{1, 3}));
    vector.pop_back();
    EXPECT_EQ(vector.items().size(), 1u);
}
