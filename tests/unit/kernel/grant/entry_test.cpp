// SPDX-License-Identifier: MIT
/// A grant is withdrawn or in use, never both, whatever the order of steps of granter and users; and the bits in the
/// entry go exactly with the last use.
#include "kernel/grant/entry.hpp"

#include <gtest/gtest.h>

#include "tests/fakes/interleavings.hpp"

namespace hospes {
namespace {

using fakes::explore;
using fakes::step;
using fakes::step_when;
using fakes::Threads;
using xen::GrantStatus;
namespace flag = xen::grant_entry_flag;

struct SteppedWords {
    static u32 load(u32& word) { return step(), AtomicEntryWords::load(word); }
    static bool exchange(u32& word, u32 expected, u32 wanted)
    {
        return step(), AtomicEntryWords::exchange(word, expected, wanted);
    }
    static void clear(u32& word, u32 bits) { return step(), AtomicEntryWords::clear(word, bits); }
};

constexpr xen::DomainId user = 5;
constexpr u32 head_for(u16 flags, xen::DomainId domain = user) { return flags | u32{domain} << 16; }
constexpr u32 in_use = flag::reading | flag::writing;

/// One entry, its uses under the granter's lock, and the granter.
struct World {
    SharedGrantEntry shared{head_for(flag::permit_access), 0x123};
    GrantUse use;
    bool locked = false;
    bool withdrawn = false;
    int users = 0;

    template <typename Action>
    auto under_lock(Action action)
    {
        step_when([this] { return !locked; });
        locked = true;
        auto result = action();
        locked = false;
        return result;
    }

    /// Maps, uses and unmaps.
    bool use_once(bool for_writing)
    {
        auto const frame = under_lock([&] {
            auto begun = use.begin<SteppedWords>(shared, user, for_writing);
            if (begun) ++users;
            return begun;
        });
        if (!frame) return false;
        EXPECT_FALSE(withdrawn);
        EXPECT_EQ(*frame, Gfn{0x123});
        step();
        EXPECT_FALSE(withdrawn);
        under_lock([&] {
            --users;
            use.end<SteppedWords>(shared, for_writing);
            return 0;
        });
        return true;
    }

    /// What a guest does to take a grant back, once. (Linux: gnttab_end_foreign_access_ref_v1.)
    bool withdraw()
    {
        u32 const head = SteppedWords::load(shared.head);
        if ((head & in_use) != 0 || !SteppedWords::exchange(shared.head, head, head & 0xffff'0000)) return false;
        withdrawn = true;
        EXPECT_EQ(users, 0);
        return true;
    }
};

TEST(GrantUse, SetsAndClearsTheBitsWithTheUses)
{
    World world;
    ASSERT_TRUE(world.use.begin(world.shared, user, false));
    EXPECT_EQ(world.shared.head & in_use, u32{flag::reading});
    ASSERT_TRUE(world.use.begin(world.shared, user, true));
    EXPECT_EQ(world.shared.head & in_use, in_use);
    world.use.end(world.shared, true);
    EXPECT_EQ(world.shared.head & in_use, u32{flag::reading});
    world.use.end(world.shared, false);
    EXPECT_EQ(world.shared.head, head_for(flag::permit_access));
    EXPECT_FALSE(world.use.in_use());
}

TEST(GrantUse, RefusesWhatTheEntryDoesNotAllow)
{
    struct Case {
        u32 head;
        bool for_writing;
    };
    for (Case const& wrong :
         {Case{0, false}, Case{head_for(flag::permit_access, 6), false}, Case{head_for(flag::accept_transfer), false},
          Case{head_for(flag::transitive), false}, Case{head_for(flag::permit_access | flag::readonly), true}}) {
        SharedGrantEntry shared{wrong.head, 1};
        GrantUse use;
        auto const begun = use.begin(shared, user, wrong.for_writing);
        ASSERT_FALSE(begun);
        EXPECT_EQ(begun.error(), GrantStatus::GeneralError);
        EXPECT_EQ(shared.head, wrong.head) << "a refusal leaves no trace";
        EXPECT_FALSE(use.in_use());
    }
}

/// A guest that changes the entry between any two of our looks.
struct RestlessWords : AtomicEntryWords {
    static bool exchange(u32& word, u32, u32) { return ++looks, word ^= flag::pwt, false; }
    static inline int looks = 0;
};

TEST(GrantUse, GivesUpOnAnEntryThatNeverRests)
{
    SharedGrantEntry shared{head_for(flag::permit_access), 1};
    GrantUse use;
    EXPECT_FALSE(use.begin<RestlessWords>(shared, user, false));
    EXPECT_LT(RestlessWords::looks, 20);
    EXPECT_FALSE(use.in_use());
}

TEST(GrantUse, WithdrawnOrInUse)
{
    u64 const orders = explore([](Threads& threads) {
        World world;
        bool used = false;
        bool taken_back = false;
        threads.thread([&] { used = world.use_once(true); });
        threads.thread([&] { taken_back = world.withdraw() || world.withdraw(); });
        ASSERT_TRUE(threads.finish());
        EXPECT_TRUE(used || taken_back);
        EXPECT_FALSE(world.use.in_use());
        EXPECT_EQ(world.shared.head & in_use, 0u);
    });
    EXPECT_GT(orders, 10u);
}

TEST(GrantUse, TwoUsersAndTheGranter)
{
    explore(
        [](Threads& threads) {
            World world;
            threads.thread([&] { world.use_once(true); });
            threads.thread([&] { world.use_once(false); });
            threads.thread([&] { world.withdraw(); });
            ASSERT_TRUE(threads.finish());
            EXPECT_FALSE(world.use.in_use());
            EXPECT_EQ(world.shared.head & in_use, 0u);
            if (!world.withdrawn) {
                EXPECT_TRUE(world.withdraw());
            }
        },
        4);
}

TEST(GrantUse, ReadOnlySetMeanwhile)
{
    explore([](Threads& threads) {
        World world;
        bool used = false;
        threads.thread([&] { used = world.use_once(true); });
        threads.thread([&] {
            u32 const head = SteppedWords::load(world.shared.head);
            static_cast<void>(SteppedWords::exchange(world.shared.head, head, head | flag::readonly));
        });
        ASSERT_TRUE(threads.finish());
        EXPECT_EQ(world.shared.head & in_use, 0u);
        EXPECT_FALSE(world.use.in_use());
    });
}

}
}
