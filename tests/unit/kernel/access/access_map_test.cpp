// SPDX-License-Identifier: MIT
/// Ranges are found from their first to their last byte, never overlap, and can be taken back.
#include "kernel/access/access_map.hpp"

#include <gtest/gtest.h>

namespace hospes {
namespace {

struct Silent final : Device {
    u64 read(Vcpu&, u64, unsigned) override { return 0; }
    void write(Vcpu&, u64, unsigned, u64) override {}
};

TEST(AccessMap, FindsWhatWasAddedAndNothingBeside)
{
    AccessMap<4> map;
    Silent device;
    ASSERT_TRUE(map.add(0xcf8, 0xcfb, device));
    EXPECT_EQ(map.find(0xcf7), nullptr);
    EXPECT_EQ(map.find(0xcf8), &device);
    EXPECT_EQ(map.find(0xcfb), &device);
    EXPECT_EQ(map.find(0xcfc), nullptr);
}

TEST(AccessMap, RefusesOverlapsAndNonsense)
{
    AccessMap<4> map;
    Silent device;
    ASSERT_TRUE(map.add(0x1000, 0x1fff, device));
    EXPECT_EQ(map.add(0x1fff, 0x2fff, device).error(), Error::Exists);
    EXPECT_EQ(map.add(0, ~u64{0}, device).error(), Error::Exists);
    EXPECT_EQ(map.add(0x3000, 0x2fff, device).error(), Error::Invalid);
    EXPECT_TRUE(map.add(0x2000, 0x2fff, device));
}

TEST(AccessMap, ReusesWhatWasRemoved)
{
    AccessMap<1> map;
    Silent first, second;
    ASSERT_TRUE(map.add(1, 1, first));
    EXPECT_EQ(map.add(2, 2, second).error(), Error::NoSpace);
    EXPECT_EQ(map.remove(2).error(), Error::NotFound);
    ASSERT_TRUE(map.remove(1));
    EXPECT_EQ(map.find(1), nullptr);
    ASSERT_TRUE(map.add(2, 2, second));
    EXPECT_EQ(map.find(2), &second);
}

}
}
