// SPDX-License-Identifier: MIT
#include "kernel/debug/grants.hpp"

#include <gtest/gtest.h>

#include "kernel/abi/xen/grant_table.hpp"
#include "tests/fakes/host_machine.hpp"
#include "tests/fakes/quiet_log.hpp"

namespace hospes {
namespace {

class ShowGrants : public testing::Test {
protected:
    static std::string shown(fakes::TestDomain& domain)
    {
        fakes::LogListener listener;
        for (u32 line = 0; line != grant_lines(*domain); ++line) show_grant_line(*domain, line);
        return listener.text;
    }
    /// `mapper` maps page 3 of `granter`'s by reference 9.
    xen::GrantHandle map(bool writable)
    {
        auto* const entries =
            static_cast<xen::GrantEntryV1*>(arch::reach(granter->grants.shared_frame(0, fakes::no_hurry())->frame()));
        entries[9] = {xen::grant_entry_flag::permit_access, 2, 3};
        auto const mapped = mapper->grants.map(*granter, 9, writable, Gfn{window_++});
        EXPECT_TRUE(mapped);
        return mapped->handle;
    }
    void unmap(xen::GrantHandle handle)
    {
        xen::GrantUnmap request{(handle + first_window) << page_shift, 0, handle, xen::GrantStatus::TryAgain, 0};
        EXPECT_EQ(mapper.call_with(xen::Hypercall::GrantTableOp, xen::GrantTableCommand::UnmapGrantRef, request), 0);
        EXPECT_EQ(request.status, xen::GrantStatus::Okay);
    }

    static constexpr u64 first_window = 0x40000;
    fakes::TestDomain granter{1};
    fakes::TestDomain mapper{2};

private:
    u64 window_ = first_window;
};

TEST_F(ShowGrants, ADomainWithoutAnyHasOneLine)
{
    std::string const text = shown(mapper);
    EXPECT_TRUE(text.starts_with("domain 2: 0 of at most ")) << text;
    EXPECT_TRUE(text.ends_with(" grant frames, 0 pages of others mapped\n")) << text;
}

TEST_F(ShowGrants, EachMappingSaysWhoseItIs)
{
    unmap(map(true));
    EXPECT_EQ(grant_lines(*mapper), 1U);
    map(true);
    map(false);
    std::string const text = shown(mapper);
    EXPECT_TRUE(text.contains("2 pages of others mapped\n"
                              "  handle 0: reference 9 of domain 1, at 0x40001000, writable\n"
                              "  handle 1: reference 9 of domain 1, at 0x40002000\n"))
        << text;
    EXPECT_TRUE(shown(granter).starts_with("domain 1: 1 of at most "));
}

TEST_F(ShowGrants, OneBehindManyThatWereUnmappedIsShown)
{
    for (u32 i = 0; i < 40; ++i) map(false);
    for (u32 handle = 0; handle < 39; ++handle) unmap(handle);
    EXPECT_TRUE(shown(mapper).ends_with("mapped\n  handle 39: reference 9 of domain 1, at 0x40027000\n"));
}

TEST_F(ShowGrants, ManyAreCounted)
{
    for (u32 i = 0; i < 40; ++i) map(false);
    std::string const text = shown(mapper);
    EXPECT_TRUE(text.contains("handle 31:"));
    EXPECT_FALSE(text.contains("handle 32:"));
    EXPECT_TRUE(text.ends_with("  and 8 more\n"));
}

}
}
