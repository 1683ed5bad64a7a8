// SPDX-License-Identifier: MIT
#include "arch/x86_64/guest/recent_exits.hpp"

#include <gtest/gtest.h>

namespace hospes::arch {
namespace {

TEST(RecentExits, AreNoneAtFirst) { EXPECT_FALSE(RecentExits{}[0]); }

TEST(RecentExits, TheNewestComesFirst)
{
    RecentExits exits;
    exits.note(ExitKind::HostInterrupt); // whose number is 0
    exits.note(ExitKind::Unknown);
    EXPECT_EQ(exits[0], ExitKind::Unknown);
    EXPECT_EQ(exits[1], ExitKind::HostInterrupt);
    EXPECT_FALSE(exits[2]);
}

TEST(RecentExits, TheOldestIsForgotten)
{
    RecentExits exits;
    exits.note(ExitKind::Halt);
    for (unsigned i = 0; i < RecentExits::most; ++i) exits.note(ExitKind::Cpuid);
    for (unsigned i = 0; i < RecentExits::most; ++i) EXPECT_EQ(exits[i], ExitKind::Cpuid);
}

}
}
