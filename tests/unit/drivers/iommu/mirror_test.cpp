// SPDX-License-Identifier: MIT
/// What devices reach is exactly what was mapped: in every format, with pages of every size, and for ever where
/// firmware demands it.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "drivers/iommu/amd_format.hpp"
#include "drivers/iommu/fault_log.hpp"
#include "drivers/iommu/mirror.hpp"
#include "drivers/iommu/table_memory.hpp"
#include "drivers/iommu/vtd_format.hpp"
#include "tests/fakes/host_machine.hpp"

namespace hospes::iommu {
namespace {

class CountingUnits final : public Units {
public:
    bool flush_translations() override
    {
        ++flushes;
        return answer;
    }
    void note_added() override { ++additions; }
    int flushes = 0, additions = 0;
    bool answer = true;
};

/// Table memory with an eye on what a unit reads that does not snoop the CPUs' caches: entries as they were when they
/// were written back.
class UnsnoopedMemory {
public:
    using Seen = std::map<u64 const*, u64>;

    explicit UnsnoopedMemory(Seen& seen) : seen_{seen} {}

    [[nodiscard]] Expected<Hpa> allocate()
    {
        auto const table = pool_.allocate();
        if (table) written(pool_.reach(*table), entries_per_table);
        return table;
    }
    void free(Hpa table) { pool_.free(table); }
    [[nodiscard]] u64* reach(Hpa table) const { return pool_.reach(table); }
    [[nodiscard]] u64 limit() const { return pool_.limit(); }
    void set_limit(u64 pages) { pool_.set_limit(pages); }
    void written(u64 const* entries, u64 count)
    {
        for (u64 i = 0; i < count; ++i) seen_[entries + i] = entries[i];
    }

private:
    TablePool pool_{64};
    Seen& seen_;
};

template <typename Format>
class MirrorTest : public ::testing::Test {
protected:
    using Table = PageTable<Format, TableMemory>;

    MirrorTest() { fakes::start_machine(); }

    Mirror make(unsigned largest_order, u64 tables = 64)
    {
        auto table = std::make_unique<Table>(TableMemory{tables, false});
        EXPECT_TRUE(table->initialize());
        return Mirror{std::move(table), largest_order, units};
    }
    CountingUnits units;
};

using Formats = ::testing::Types<VtdFormat<3>, VtdFormat<4>, AmdFormat>;
TYPED_TEST_SUITE(MirrorTest, Formats);

TYPED_TEST(MirrorTest, LargePagesWhereThereAreSome)
{
    for (unsigned const largest : {0u, 9u}) {
        auto mirror = this->make(largest);
        ASSERT_TRUE(mirror.map(Gfn{0x400}, Hfn{0x800}, 10, true));
        Mapping const last = mirror.table().lookup(Gfn{0x7ff});
        EXPECT_EQ(last.frame, Hfn{0xbff});
        EXPECT_EQ(last.order, largest);
        EXPECT_TRUE(last.access.read && last.access.write);
        EXPECT_EQ(mirror.table().lookup(Gfn{0x800}).type, MappingType::None);
    }
}

TYPED_TEST(MirrorTest, OnePageOutOfALargeOne)
{
    auto mirror = this->make(18);
    ASSERT_TRUE(mirror.map(Gfn{0}, Hfn{0}, 18, true));
    ASSERT_TRUE(mirror.unmap(Gfn{0x1234}, 0));
    EXPECT_EQ(mirror.table().lookup(Gfn{0x1234}).type, MappingType::None);
    EXPECT_EQ(mirror.table().lookup(Gfn{0x1233}).frame, Hfn{0x1233});
    EXPECT_EQ(mirror.table().lookup(Gfn{0x1235}).frame, Hfn{0x1235});
    EXPECT_EQ(mirror.table().lookup(Gfn{0x3'ffff}).frame, Hfn{0x3'ffff});
}

TYPED_TEST(MirrorTest, ManySmallOnesAtOnce)
{
    auto mirror = this->make(0);
    ASSERT_TRUE(mirror.map(Gfn{0x200}, Hfn{0x200}, 9, true));
    ASSERT_TRUE(mirror.unmap(Gfn{0x200}, 9));
    for (u64 i = 0; i < 512; ++i) EXPECT_EQ(mirror.table().lookup(Gfn{0x200 + i}).type, MappingType::None);
    ASSERT_TRUE(mirror.map(Gfn{0x200}, Hfn{0x400}, 9, true)) << "over the empty table";
}

TYPED_TEST(MirrorTest, ReadOnlyIsReadOnly)
{
    auto mirror = this->make(18);
    ASSERT_TRUE(mirror.map(Gfn{7}, Hfn{9}, 0, false));
    EXPECT_FALSE(mirror.table().lookup(Gfn{7}).access.write);
    EXPECT_TRUE(mirror.table().lookup(Gfn{7}).access.read);
}

TYPED_TEST(MirrorTest, AllOrNothing)
{
    auto mirror = this->make(9);
    ASSERT_TRUE(mirror.map(Gfn{0x5ff}, Hfn{0x5ff}, 0, true));
    EXPECT_EQ(mirror.map(Gfn{0x400}, Hfn{0x400}, 9, true).error(), Error::Exists);
    EXPECT_EQ(mirror.table().lookup(Gfn{0x400}).type, MappingType::None);
    EXPECT_EQ(mirror.table().lookup(Gfn{0x5ff}).frame, Hfn{0x5ff});
    EXPECT_EQ(mirror.map(Gfn{u64{1} << 40}, Hfn{1}, 0, true).error(), Error::OutOfRange);
}

/// An error would hand the frames back to be used for something else, while a unit may still know them.
TYPED_TEST(MirrorTest, WhatASilentUnitMayRememberIsNotGivenBack)
{
    auto mirror = this->make(0);
    ASSERT_TRUE(mirror.map(Gfn{0x5ff}, Hfn{0x5ff}, 0, true));
    this->units.answer = false;
    EXPECT_EQ(mirror.map(Gfn{0x5ff}, Hfn{0x400}, 0, true).error_or(Error::Busy), Error::Exists) << "no unit knew it";
    EXPECT_EQ(this->units.flushes, 0);
    EXPECT_TRUE(mirror.map(Gfn{0x400}, Hfn{0x400}, 9, true));
    EXPECT_EQ(this->units.flushes, 1);
    EXPECT_EQ(mirror.table().lookup(Gfn{0x400}).type, MappingType::None);
    EXPECT_TRUE(mirror.unmap(Gfn{0x400}, 9)) << "as the physmap does when the frames go";
    EXPECT_FALSE(mirror.flush());
}

TYPED_TEST(MirrorTest, NoTableLeft)
{
    auto mirror = this->make(18, 3);
    EXPECT_EQ(mirror.map(Gfn{0x1'0000}, Hfn{1}, 0, true).error_or(Error::OutOfMemory), Error::OutOfMemory);
    EXPECT_EQ(mirror.map(Gfn{0x10'0000}, Hfn{1}, 0, true).error_or(Error::OutOfMemory), Error::OutOfMemory);
}

TYPED_TEST(MirrorTest, WhatFirmwareDemandsStays)
{
    auto mirror = this->make(18);
    ASSERT_TRUE(mirror.map_demanded({Hpa{0x30'0000}, 0x3000}));
    ASSERT_TRUE(mirror.map_demanded({Hpa{0x30'1000}, 0x4000})) << "regions may overlap";
    EXPECT_EQ(mirror.map(Gfn{0x301}, Hfn{0x999}, 0, true).error(), Error::Exists);
    ASSERT_TRUE(mirror.unmap(Gfn{0x300}, 0));
    EXPECT_EQ(mirror.table().lookup(Gfn{0x300}).frame, Hfn{0x300});
}

/// (security.md: XSA-321)
TYPED_TEST(MirrorTest, EveryChangeIsWrittenBack)
{
    UnsnoopedMemory::Seen seen;
    auto const sees_all = [&] {
        return std::ranges::all_of(seen, [](auto const& entry) { return *entry.first == entry.second; });
    };
    auto table = std::make_unique<PageTable<TypeParam, UnsnoopedMemory>>(UnsnoopedMemory{seen});
    ASSERT_TRUE(table->initialize());
    Mirror mirror{std::move(table), 18, this->units};
    ASSERT_TRUE(mirror.map(Gfn{0}, Hfn{0}, 18, true));
    EXPECT_TRUE(sees_all()) << "new tables";
    ASSERT_TRUE(mirror.unmap(Gfn{0x1234}, 0));
    EXPECT_TRUE(sees_all()) << "large pages split twice";
    ASSERT_TRUE(mirror.map(Gfn{0x1234}, Hfn{0x77}, 0, false));
    ASSERT_TRUE(mirror.map_demanded({Hpa{0x4000'0000}, 0x3000}));
    EXPECT_TRUE(sees_all()) << "single entries";
    EXPECT_FALSE(mirror.map(Gfn{0x4'0002}, Hfn{2}, 0, true));
    EXPECT_TRUE(sees_all()) << "a failure";
}

TEST(FaultLog, AStormIsCutOffOnce)
{
    FaultLog log;
    int cut = 0;
    for (u64 i = 0; i < 1000; ++i) cut += log.report({.requester = 8, .reason = "test"}, i);
    EXPECT_EQ(cut, 1);
    for (u64 i = 0; i < 1000; ++i)
        EXPECT_FALSE(log.report({.requester = 16, .reason = "test"}, i * nanoseconds_per_second)) << "slow is no storm";
}

TEST(FaultLog, MoreDevicesThanRecords)
{
    FaultLog log;
    for (u32 i = 0; i < 10'000; ++i)
        EXPECT_FALSE(log.report({.requester = static_cast<u16>(i), .reason = "test"}, u64{i} * 10'000'000));
}

}
}
