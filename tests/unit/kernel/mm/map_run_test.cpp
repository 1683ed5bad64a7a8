// SPDX-License-Identifier: MIT
/// A run is mapped whole, in the largest leaves that fit, or not at all: whatever step fails, the table translates
/// afterwards as it did before, and who may have seen more is flushed.
#include "kernel/mm/map_run.hpp"

#include <gtest/gtest.h>

#include <map>

#include "arch/x86_64/mm/ept_format.hpp"
#include "kernel/mm/table_pool.hpp"
#include "tests/fakes/host_machine.hpp"

namespace hospes {
namespace {

constexpr LeafAttributes ram{read_write_execute, MemoryType::WriteBack, MappingType::Ram};
constexpr LeafAttributes device{read_write, MemoryType::Uncacheable, MappingType::Device};
constexpr u64 large = 512, huge = 512 * 512;

TEST(LeafOrder, AlignmentLengthAndTheHardwareDecide)
{
    constexpr MappedRun whole{Gfn{huge}, Hfn{2 * huge}, huge};
    static_assert(leaf_order(whole, 18) == 18 && leaf_order(whole, 9) == 9 && leaf_order(whole, 0) == 0);
    static_assert(leaf_order({whole.where, whole.first, huge - 1}, 18) == 9, "too short");
    static_assert(leaf_order({whole.where, whole.first, large - 1}, 18) == 0, "too short");
    static_assert(leaf_order({whole.where + large, whole.first, huge}, 18) == 9, "the guest's side");
    static_assert(leaf_order({whole.where, whole.first + large, huge}, 18) == 9, "the host's side");
    static_assert(leaf_order({whole.where, whole.first + 1, huge}, 18) == 0, "the host's side");
}

class MapRun : public ::testing::Test {
protected:
    using Table = PageTable<EptFormat, TablePool>;
    /// Leaves by guest frame: what a walk over the whole table finds.
    using Leaves = std::map<u64, std::tuple<u64, unsigned, MappingType>>;

    MapRun()
    {
        fakes::start_machine();
        EXPECT_TRUE(table.initialize());
    }
    [[nodiscard]] Expected<> map(MappedRun const& run, unsigned largest = 18, LeafAttributes const& leaf = ram)
    {
        return map_run(table, run, leaf, largest, [this] {
            ++flushes;
            EXPECT_EQ(leaves(), before) << "flushed when all is out again";
        });
    }
    void map_one(Gfn where, unsigned order = 0)
    {
        ASSERT_TRUE(table.map(where, Hfn{huge}, order, read_write, MemoryType::Uncacheable, MappingType::Device));
    }
    [[nodiscard]] Leaves leaves() const
    {
        Leaves found;
        for (std::optional<Gfn> from{Gfn{}}; from;) {
            auto const step = table.next_leaf(*from);
            if (step.leaf.type != MappingType::None)
                found[step.where.raw()] = {step.leaf.frame.raw(), step.leaf.order, step.leaf.type};
            from = step.next;
        }
        return found;
    }
    [[nodiscard]] u64 leaves_of_order(unsigned order) const
    {
        u64 count = 0;
        for (auto const& [where, leaf] : leaves()) count += std::get<1>(leaf) == order;
        return count;
    }

    Table table{TablePool{64}};
    Leaves before;
    int flushes = 0;
};

TEST_F(MapRun, TheLargestLeavesThatFit)
{
    // 3 pages, 2 MiB, 1 GiB, 2 MiB, 5 pages
    MappedRun const run{Gfn{huge - large - 3}, Hfn{3 * huge - large - 3}, 3 + large + huge + large + 5};
    ASSERT_TRUE(map(run));
    EXPECT_EQ(leaves_of_order(0), 8u);
    EXPECT_EQ(leaves_of_order(9), 2u);
    EXPECT_EQ(leaves_of_order(18), 1u);
    for (u64 const at : {u64{0}, u64{3}, 3 + large, 3 + large + huge, run.count - 1})
        EXPECT_EQ(table.lookup(run.where + at).frame, run.first + at);
    EXPECT_EQ(table.lookup(run.where + run.count).type, MappingType::None);
    EXPECT_EQ(flushes, 0);
}

TEST_F(MapRun, NoLargerThanTheCallerSays)
{
    ASSERT_TRUE(map({Gfn{huge}, Hfn{huge}, huge}, 9));
    EXPECT_EQ(leaves_of_order(18), 0u);
    EXPECT_EQ(leaves_of_order(9), huge / large);
    ASSERT_TRUE(map({Gfn{0}, Hfn{0}, large}, 0));
    EXPECT_EQ(leaves_of_order(0), large);
}

TEST_F(MapRun, LeavesSayWhatTheCallerSays)
{
    ASSERT_TRUE(map({Gfn{large}, Hfn{large}, large + 1}, 18, device));
    for (Gfn const where : {Gfn{large}, Gfn{2 * large}}) {
        EXPECT_EQ(table.lookup(where).type, MappingType::Device);
        EXPECT_EQ(table.lookup(where).access, read_write);
    }
}

TEST_F(MapRun, SmallerLeavesFillATableThatIsInTheWay)
{
    map_one(Gfn{huge + large + 7});
    ASSERT_TRUE(table.unmap(Gfn{huge + large + 7}, 0));
    ASSERT_TRUE(map({Gfn{huge}, Hfn{2 * huge}, huge}));
    EXPECT_EQ(leaves_of_order(18), 0u);
    EXPECT_EQ(leaves_of_order(9), huge / large - 1);
    EXPECT_EQ(leaves_of_order(0), large);
    EXPECT_EQ(table.lookup(Gfn{2 * huge - 1}).frame, Hfn{3 * huge - 1});
}

/// Wherever in the run something is mapped already, and by a leaf of whatever size.
TEST_F(MapRun, AnObstacleAnywhereLeavesAllAsItWas)
{
    MappedRun const run{Gfn{huge - large - 3}, Hfn{3 * huge - large - 3}, 3 + large + huge + large + 5};
    struct Obstacle {
        u64 at;
        unsigned order = 0;
    };
    // Large ones first: afterwards there are tables in their places.
    for (auto const& [at, order] : {Obstacle{3 + large, 18},
                                    {3, 9},
                                    {3 + large + 2 * large, 9},
                                    {0},
                                    {1},
                                    {2},
                                    {3},
                                    {3 + large - 1},
                                    {3 + large},
                                    {3 + large + 700},
                                    {3 + large + huge},
                                    {run.count - 1}}) {
        map_one(run.where + at, order);
        before = leaves();
        flushes = 0;
        EXPECT_EQ(map(run).error_or(Error::Restart), Error::Exists) << at;
        EXPECT_EQ(leaves(), before) << at;
        EXPECT_EQ(flushes, at == 0 ? 0 : 1) << at;
        ASSERT_TRUE(table.unmap(run.where + at, order));
    }
    before = leaves();
    EXPECT_TRUE(before.empty());
    EXPECT_TRUE(map(run)) << "over all the empty tables";
}

/// The pool gives one page more each time, until there are enough.
TEST_F(MapRun, AFailureOfEachTableLeavesAllAsItWas)
{
    MappedRun const run{Gfn{huge - large - 3}, Hfn{1}, 3 + 2 * large};
    map_one(Gfn{5});
    before = leaves();
    unsigned failures = 0, flushed = 0;
    for (u64 pages = table.table_pages();; ++pages) {
        table.set_table_limit(pages);
        flushes = 0;
        auto const mapped = map(run);
        if (mapped) break;
        EXPECT_EQ(mapped.error(), Error::OutOfMemory);
        EXPECT_EQ(leaves(), before) << pages;
        ++failures;
        flushed += static_cast<unsigned>(flushes);
    }
    EXPECT_EQ(failures, 4u) << "three tables of small leaves, and one above the last of them";
    EXPECT_EQ(flushed, 3u) << "the first failed before anything was mapped";
    EXPECT_EQ(leaves_of_order(0), run.count + 1);
}

TEST_F(MapRun, WhatLiesBeyondTheTableIsInvalid)
{
    constexpr u64 end = u64{1} << 36;
    EXPECT_EQ(map({Gfn{end}, Hfn{1}, 1}).error_or(Error::Restart), Error::Invalid);
    EXPECT_EQ(map({Gfn{end - 2}, Hfn{1}, 4}).error_or(Error::Restart), Error::Invalid);
    EXPECT_TRUE(leaves().empty());
    EXPECT_EQ(flushes, 1);
}

}
}
