// SPDX-License-Identifier: MIT
/// The size of pages that guests' memory is mapped with follows the CPU and the options.
#include "arch/x86_64/guest/nested_tables.hpp"

#include <gtest/gtest.h>

#include "arch/x86_64/mm/ept_format.hpp"
#include "arch/x86_64/mm/npt_format.hpp"
#include "kernel/mm/page_table.hpp"
#include "kernel/mm/table_pool.hpp"
#include "tests/fakes/host_machine.hpp"

namespace hospes {
namespace {

TEST(NestedTables, TheLargestPagesAreWhatCpuAndOptionsAllow)
{
    Options const free{};
    EXPECT_EQ(arch::largest_leaf_level(true, free), 2u);
    EXPECT_EQ(arch::largest_leaf_level(false, free), 1u);
    Options no_1g{};
    no_1g.large_pages_1g = false;
    EXPECT_EQ(arch::largest_leaf_level(true, no_1g), 1u);
    Options no_2m{};
    no_2m.large_pages_2m = false;
    EXPECT_EQ(arch::largest_leaf_level(true, no_2m), 0u) << "1 GiB is made of 2 MiB";
}

template <typename Format>
class NestedTablesOf : public testing::Test {};
using Formats = testing::Types<NptFormat, EptFormat>;
TYPED_TEST_SUITE(NestedTablesOf, Formats);

TYPED_TEST(NestedTablesOf, LargerPagesThanAllowedAreRefused)
{
    fakes::start_machine();
    for (unsigned largest = 0; largest <= 2; ++largest) {
        PageTable<TypeParam, TablePool> tables{TablePool{64}, largest};
        ASSERT_TRUE(tables.initialize());
        EXPECT_EQ(tables.largest_order(), order_of(largest));
        for (unsigned level = 0; level <= 2; ++level) {
            Gfn const where{frames_at(2) * (level + 1)};
            auto const mapped = tables.map(where, Hfn{where.raw()}, order_of(level), read_write_execute,
                                           MemoryType::WriteBack, MappingType::Ram);
            EXPECT_EQ(mapped.has_value(), level <= largest) << level << " of " << largest;
        }
    }
}

}
}
