// SPDX-License-Identifier: MIT
#include "boot/sanitize.hpp"

#include <gtest/gtest.h>
#include <random>
#include <vector>

using namespace hospes;
using namespace hospes::boot;

namespace {

using Map = StaticVector<MemoryRange, BootInfo::max_ranges>;

Map make(std::vector<MemoryRange> const& ranges)
{
    Map map;
    for (MemoryRange const& range : ranges) EXPECT_TRUE(map.push_back(range));
    return map;
}

void expect(Map const& map, std::vector<MemoryRange> const& wanted)
{
    ASSERT_EQ(map.size(), wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
        EXPECT_EQ(map[i].start, wanted[i].start) << i;
        EXPECT_EQ(map[i].bytes, wanted[i].bytes) << i;
        EXPECT_EQ(map[i].kind, wanted[i].kind) << i;
    }
}

constexpr auto usable = MemoryKind::Usable;
constexpr auto reserved = MemoryKind::Reserved;

}

TEST(Sanitize, SortsAndJoins)
{
    Map map = make({{Hpa{0x3000}, 0x1000, usable}, {Hpa{0x1000}, 0x1000, usable}, {Hpa{0x2000}, 0x1000, usable}});
    sanitize(map);
    expect(map, {{Hpa{0x1000}, 0x3000, usable}});
}

TEST(Sanitize, TheMoreRestrictiveKindWins)
{
    Map map = make({{Hpa{0}, 0x10000, usable}, {Hpa{0x4000}, 0x2000, reserved}});
    EXPECT_EQ(sanitize(map).overlapping, 1u);
    expect(map, {{Hpa{0}, 0x4000, usable}, {Hpa{0x4000}, 0x2000, reserved}, {Hpa{0x6000}, 0xa000, usable}});
}

TEST(Sanitize, UsableRangesAreWholePages)
{
    Map map = make({{Hpa{0x10}, 0x9fbf0, usable}, {Hpa{0x9fc00}, 0x400, reserved}});
    sanitize(map);
    expect(map, {{Hpa{0x1000}, 0x9e000, usable}, {Hpa{0x9fc00}, 0x400, reserved}});
}

TEST(Sanitize, DropsAndCutsTheAbsurd)
{
    Map map = make({{Hpa{0x1000}, 0, usable},
                    {Hpa{~u64{0}}, 5, usable},
                    {Hpa{physical_address_limit - 0x1000}, ~u64{0}, reserved},
                    {Hpa{0x2000}, 0x1000, MemoryKind{99}}});
    MapRepairs const repairs = sanitize(map);
    EXPECT_EQ(repairs.empty, 1u);
    EXPECT_EQ(repairs.overflowing, 2u);
    EXPECT_EQ(repairs.unknown_kind, 1u);
    expect(map, {{Hpa{0x2000}, 0x1000, reserved}, {Hpa{physical_address_limit - 0x1000}, 0x1000, reserved}});
}

TEST(Sanitize, MemoryAboveTheLimitIsUnusable)
{
    Map map = make({{Hpa{0}, 0x8000, usable}, {Hpa{0x10000}, 0x1000, usable}});
    sanitize(map, 0x4800);
    expect(map, {{Hpa{0}, 0x4000, usable},
                 {Hpa{0x4000}, 0x4000, MemoryKind::Unusable},
                 {Hpa{0x10000}, 0x1000, MemoryKind::Unusable}});
}

/// Over random maps: sorted, disjoint, and each usable page was usable in every range that covered it.
TEST(Sanitize, HoldsItsPromiseForRandomMaps)
{
    std::mt19937 random{1};
    for (unsigned round = 0; round < 200; ++round) {
        std::vector<MemoryRange> ranges;
        for (unsigned i = 0; i < 12; ++i)
            ranges.push_back(
                {Hpa{random() % 64 * 0x800}, random() % 16 * 0x800, static_cast<MemoryKind>(random() % 8)});
        Map map = make(ranges);
        sanitize(map);
        for (size_t i = 1; i < map.size(); ++i) ASSERT_LE(map[i - 1].end(), map[i].start);
        for (MemoryRange const& result : map)
            for (MemoryRange const& given : ranges)
                if (result.kind == usable && given.start < result.end() && result.start < given.end() &&
                    given.bytes != 0)
                    ASSERT_EQ(given.kind, usable);
    }
}
