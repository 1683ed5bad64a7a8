// SPDX-License-Identifier: MIT
#include "kernel/log/token_bucket.hpp"

#include <gtest/gtest.h>

using namespace hospes;

TEST(TokenBucket, AllowsABurstThenTheRate)
{
    TokenBucket bucket{3, 100};
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(50));
    EXPECT_FALSE(bucket.take(99));
    EXPECT_TRUE(bucket.take(150));
    EXPECT_FALSE(bucket.take(200));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(1'000'000));
    EXPECT_FALSE(bucket.take(1'000'000));
    EXPECT_FALSE(bucket.take(5)) << "time that runs backwards gives nothing";
}
