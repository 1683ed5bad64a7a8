// SPDX-License-Identifier: MIT
/// A map is torn down to its last frame, whatever the toolstack does to the dying domain from another CPU.
#include <gtest/gtest.h>

#include "kernel/mm/frame_allocator.hpp"
#include "tests/fakes/host_machine.hpp"

namespace hospes {
namespace {

constexpr unsigned large = 9;
constexpr Gfn here{0x40000};

/// Another CPU takes `page` out of a large leaf between the look at the leaf and its removal.
void tear_down_while_another_takes(Gfn page, unsigned order)
{
    fakes::start_machine();
    u64 const free = frames::free_count();
    {
        fakes::TestDomain const doomed{0x51};
        doomed->quota.ram.set_limit(doomed->quota.ram.used() + (u64{1} << large));
        ASSERT_TRUE(doomed->large_extents.populate(here, large, Limit::Holds, fakes::no_hurry()));
        // First without the other memory, so that the large leaf is the next to be found.
        Retired retired{*doomed};
        for (u64 i = 0; i < fakes::TestDomain::ram_frames; ++i)
            ASSERT_TRUE(doomed->physmap.remove(Gfn{i}, 0, MappingType::Ram, retired));
        ASSERT_EQ(doomed->physmap.lookup(here).order, large);
        fakes::after_next_leaf = [&doomed, page, order] {
            Retired taken_by_another{*doomed};
            EXPECT_TRUE(doomed->physmap.remove(page, order, MappingType::Ram, taken_by_another));
        };
    }
    EXPECT_FALSE(fakes::after_next_leaf) << "it never came in between";
    EXPECT_EQ(frames::free_count(), free);
}

TEST(TearDown, FindsTheRestOfALeafWhoseFirstPageIsTaken) { tear_down_while_another_takes(here, 0); }
TEST(TearDown, FindsTheRestOfALeafWhoseLastPageIsTaken) { tear_down_while_another_takes(here + 511, 0); }
TEST(TearDown, GoesOnBehindALeafThatIsTaken) { tear_down_while_another_takes(here, large); }

}
}
