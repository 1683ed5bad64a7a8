// SPDX-License-Identifier: MIT
#include "arch/x86_64/mm/map_range.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <vector>

#include "arch/x86_64/mm/host_format.hpp"

using namespace hospes;

namespace {

/// Table pages on the heap; their host addresses serve as physical ones.
struct TestMemory {
    struct alignas(page_size) Page {
        std::array<u64, 512> entries{};
    };
    std::shared_ptr<std::vector<std::unique_ptr<Page>>> pages = std::make_shared<std::vector<std::unique_ptr<Page>>>();
    size_t most = 100;

    Expected<Hpa> allocate()
    {
        if (pages->size() == most) return failure(Error::OutOfMemory);
        pages->push_back(std::make_unique<Page>());
        return Hpa{reinterpret_cast<u64>(pages->back().get())};
    }
    void free(Hpa) {}
    u64 limit() const { return most; }
    void set_limit(u64 pages) { most = pages; }
    u64* reach(Hpa table) const { return reinterpret_cast<u64*>(table.raw()); }
};

using Tables = PageTable<HostFormat, TestMemory>;

}

TEST(MapRange, UsesTheLargestPagesThatFit)
{
    Tables tables{TestMemory{}};
    ASSERT_TRUE(tables.initialize());
    // From one page below 2 MiB to one page above 2 GiB.
    u64 const first = 511, count = (2 * gib >> page_shift) + 1 - first;
    ASSERT_TRUE(map_range(tables, {Gfn{first}, Hfn{first}, count, read_write, MemoryType::WriteBack}, 2));
    EXPECT_EQ(tables.lookup(Gfn{511}).order, 0u);
    EXPECT_EQ(tables.lookup(Gfn{512}).order, 9u);
    EXPECT_EQ(tables.lookup(Gfn{gib >> page_shift}).order, 18u);
    EXPECT_EQ(tables.lookup(Gfn{2 * gib >> page_shift}).order, 0u);
    EXPECT_EQ(tables.lookup(Gfn{12345}).frame, Hfn{12345});
    EXPECT_EQ(tables.lookup(Gfn{12345}).access, read_write);
    EXPECT_EQ(tables.lookup(Gfn{510}).access, Access{});
}

TEST(MapRange, RespectsTheLimitAndUnequalAlignment)
{
    Tables tables{TestMemory{}};
    ASSERT_TRUE(tables.initialize());
    ASSERT_TRUE(map_range(tables, {Gfn{0}, Hfn{0}, 1024, read_only, MemoryType::WriteBack}, 0));
    EXPECT_EQ(tables.lookup(Gfn{0}).order, 0u);
    ASSERT_TRUE(map_range(tables, {Gfn{4096}, Hfn{1}, 1024, read_only, MemoryType::WriteBack}, 2));
    EXPECT_EQ(tables.lookup(Gfn{4096 + 512}).order, 0u) << "the frames are not aligned";
}

TEST(MapRange, ReportsWhatIsInTheWay)
{
    Tables tables{TestMemory{.most = 3}};
    ASSERT_TRUE(tables.initialize());
    ASSERT_TRUE(map_range(tables, {Gfn{512}, Hfn{512}, 512, read_write, MemoryType::WriteBack}, 1));
    EXPECT_EQ(map_range(tables, {Gfn{600}, Hfn{0}, 1, read_write, MemoryType::WriteBack}, 1).error(), Error::Exists);
    EXPECT_EQ(map_range(tables, {Gfn{0}, Hfn{0}, 1, read_write, MemoryType::WriteBack}, 1).error(), Error::OutOfMemory);
}
