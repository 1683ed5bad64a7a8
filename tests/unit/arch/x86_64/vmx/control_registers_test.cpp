// SPDX-License-Identifier: MIT
/// MOV to CR0 in software: the transitions that are legal, and those that are #GP.
#include "arch/x86_64/vmx/control_registers.hpp"

#include <gtest/gtest.h>

namespace hospes::vmx {
namespace {

constexpr u64 pe = Cr0::ProtectedMode::mask, et = Cr0::ExtensionType::mask, ne = Cr0::NumericError::mask;
constexpr u64 nw = Cr0::NotWriteThrough::mask, cd = Cr0::CacheDisable::mask, pg = Cr0::Paging::mask;
constexpr u64 pae = Cr4::PhysicalAddressExtension::mask;
constexpr u64 lme = Efer::LongModeEnable::mask, lma = Efer::LongModeActive::mask;

TEST(Cr0Write, EntersLongMode)
{
    auto const after = after_cr0_write({.cr0 = pe | et, .cr4 = pae, .efer = lme}, pg | pe | ne, false);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->cr0, pg | pe | ne | et) << "ET is always 1";
    EXPECT_EQ(after->efer, lme | lma);
}

TEST(Cr0Write, LeavesLongModeOnlyFromOtherCode)
{
    arch::ControlRegisters const before{.cr0 = pg | pe | et, .cr4 = pae, .efer = lme | lma};
    EXPECT_FALSE(after_cr0_write(before, pe, true));
    auto const after = after_cr0_write(before, pe, false);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->efer, lme);
}

TEST(Cr0Write, RefusesWhatTheManualForbids)
{
    arch::ControlRegisters const before{.cr0 = pe | et};
    EXPECT_FALSE(after_cr0_write(before, pg, false)) << "PG without PE";
    EXPECT_FALSE(after_cr0_write(before, pe | nw, false)) << "NW without CD";
    EXPECT_FALSE(after_cr0_write(before, pe | u64{1} << 32, false)) << "upper half";
    EXPECT_TRUE(after_cr0_write(before, pe | nw | cd, false));
    EXPECT_FALSE(after_cr0_write({.cr0 = pe, .efer = lme}, pe | pg, false)) << "long mode without PAE";
    EXPECT_FALSE(
        after_cr0_write({.cr0 = pe | pg, .cr4 = pae | Cr4::ProcessContextId::mask, .efer = lme | lma}, pe, false))
        << "PCIDE keeps paging on";
}

TEST(Lmsw, CanSetPeButNotClearIt)
{
    EXPECT_EQ(cr0_after_lmsw(pe | et, 0), pe | et);
    EXPECT_EQ(cr0_after_lmsw(et, 1), pe | et);
    EXPECT_EQ(cr0_after_lmsw(et, 0xffff), et | 0xf);
}

TEST(OwnBits, CacheControlsAndWhatTheCpuInsistsOn) { EXPECT_EQ(own_cr0_bits(ne, 0xffff'ffff), ne | cd | nw); }

}
}
