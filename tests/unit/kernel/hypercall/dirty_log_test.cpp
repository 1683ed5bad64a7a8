// SPDX-License-Identifier: MIT
#include <bit>
#include <gtest/gtest.h>

#include "kernel/hypercall/domctl/domctl_call.hpp"
#include "tests/fakes/host_machine.hpp"
#include "tests/fakes/simulated_cpus.hpp"

using namespace hospes;
using namespace hospes::fakes;

namespace {

constexpr u64 bitmap = 4 * page_size;
constexpr u64 pages = 10'001;

class DirtyLogTest : public ::testing::Test {
protected:
    Expected<> read(u32 mode, u64 count = pages, u64 where = bitmap)
    {
        request_.u.shadow_op = {.mode = mode, .dirty_bitmap = {where}, .pages = count};
        control::DomctlCall call{dom0.vcpu(), &*guest, request_, progress_, xen::releases.back()};
        for (;;) {
            dom0.vcpu().budget = {};
            auto const done = control::read_dirty_log(call);
            if (done || done.error() != Error::Restart) return done;
            ++restarts;
        }
    }
    [[nodiscard]] u32 dirty_count() const { return request_.u.shadow_op.dirty_count; }
    [[nodiscard]] u64 bits_set() const
    {
        u64 set = 0;
        for (u64 i = 0; i < (pages + 7) / 8; ++i) set += static_cast<u64>(std::popcount(*dom0.byte(bitmap + i)));
        return set;
    }

    TestDomain const dom0{0, true}, guest{1};
    unsigned restarts = 0;

private:
    xen::Domctl request_{};
    u32 progress_ = 0;
};

constexpr u32 at_last = xen::shadow_mode_flag::log_dirty_final;

}

TEST_F(DirtyLogTest, MustBeOnToBeRead)
{
    EXPECT_EQ(read(at_last).error(), Error::Invalid);
    ASSERT_TRUE(control::switch_dirty_log(*guest, true));
    EXPECT_EQ(control::switch_dirty_log(*guest, true).error(), Error::Invalid);
    EXPECT_TRUE(read(at_last));
    ASSERT_TRUE(control::switch_dirty_log(*guest, false));
    EXPECT_EQ(read(at_last).error(), Error::Invalid);
}

TEST_F(DirtyLogTest, AtLastAllRamIsReported)
{
    ASSERT_TRUE(control::switch_dirty_log(*guest, true));
    SlowClock const clock{Budget::stretch / 4};
    for (int turn = 0; turn < 2; ++turn) {
        std::memset(dom0.byte(bitmap), 0xff, (pages + 7) / 8);
        ASSERT_TRUE(read(at_last));
        EXPECT_EQ(dirty_count(), TestDomain::ram_frames);
        EXPECT_EQ(bits_set(), TestDomain::ram_frames);
        EXPECT_EQ(dom0.get<u32>(bitmap), ~u32{0}) << "frames from 0 on";
    }
    EXPECT_GT(restarts, 4u) << "in stretches";
}

TEST_F(DirtyLogTest, BeforeThatNoneAre)
{
    ASSERT_TRUE(control::switch_dirty_log(*guest, true));
    std::memset(dom0.byte(bitmap), 0xff, (pages + 7) / 8);
    ASSERT_TRUE(read(0));
    EXPECT_EQ(dirty_count(), 0u);
    EXPECT_EQ(bits_set(), 0u);
}

TEST_F(DirtyLogTest, ABadBitmapIsAnErrorAndTheNextCallBeginsAnew)
{
    ASSERT_TRUE(control::switch_dirty_log(*guest, true));
    u64 const last_page = (TestDomain::ram_frames - 1) * page_size;
    EXPECT_EQ(read(at_last, u64{8} * 3 * page_size, last_page).error(), Error::BadAddress) << "its second page";
    EXPECT_EQ(read(at_last, pages, ~u64{0} - 100).error(), Error::BadAddress);
    ASSERT_TRUE(read(at_last));
    EXPECT_EQ(bits_set(), TestDomain::ram_frames);
}
