// SPDX-License-Identifier: MIT
/// What a domain's CPU policy lets its guests set in EFER and CR4, and MOV to CR4.
#include "arch/x86_64/guest/control_policy.hpp"

#include <gtest/gtest.h>

namespace hospes::arch {
namespace {

constexpr u64 pe = Cr0::ProtectedMode::mask, pg = Cr0::Paging::mask;
constexpr u64 pae = Cr4::PhysicalAddressExtension::mask;
constexpr u64 lme = Efer::LongModeEnable::mask, lma = Efer::LongModeActive::mask;
constexpr u64 la57 = Cr4::LinearAddress57::mask;

CpuidPolicy with(std::initializer_list<std::pair<FeatureWord, u8>> features)
{
    FeatureSet set{};
    for (auto const& [word, bit] : features) set[static_cast<size_t>(word)] |= 1U << bit;
    CpuidPolicy policy;
    policy.set_features(set);
    return policy;
}

TEST(LegalCr4, IsWhatThePolicyHas)
{
    CpuidPolicy const policy = with({{FeatureWord::Leaf1Edx, 6}, {FeatureWord::Leaf7Ebx, 20}});
    u64 const legal = legal_cr4(policy);
    EXPECT_TRUE(legal & pae);
    EXPECT_TRUE(legal & Cr4::SupervisorAccessPrevention::mask);
    EXPECT_FALSE(legal & Cr4::SupervisorExecutionPrevention::mask);
    EXPECT_FALSE(legal & Cr4::ProtectionKeys::mask);
}

/// Whatever the CPU has, and even what the toolstack asks for.
TEST(LegalCr4, HasNothingThatGuestsNeverGet)
{
    FeatureSet set;
    set.fill(~u32{0});
    CpuidPolicy everything;
    everything.set_features(set);
    constexpr u64 safer_mode = 1 << 14, control_flow = 1 << 23, user_interrupts = 1 << 25;
    EXPECT_FALSE(legal_cr4(everything) & (la57 | Cr4::VmxEnable::mask | safer_mode | control_flow | user_interrupts));
    EXPECT_FALSE(legal_efer(everything) & Efer::SvmEnable::mask);
}

TEST(LegalEfer, IsWhatThePolicyHas)
{
    EXPECT_EQ(legal_efer({}), 0U);
    EXPECT_EQ(legal_efer(with({{FeatureWord::Extended1Edx, 29}})), lme | lma);
}

TEST(Cr4Write, RefusesWhatIsNotLegal)
{
    ControlRegisters const before{.cr0 = pe | pg, .cr4 = pae, .efer = lme | lma};
    u64 const legal = pae | Cr4::MachineCheckEnable::mask;
    EXPECT_FALSE(after_cr4_write(before, pae | Cr4::ProtectionKeys::mask, legal));
    EXPECT_FALSE(after_cr4_write(before, pae | u64{1} << 40, legal));
    EXPECT_FALSE(after_cr4_write(before, 0, legal)) << "long mode needs PAE";
    auto const after = after_cr4_write(before, pae | Cr4::MachineCheckEnable::mask, legal);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->cr4, pae | Cr4::MachineCheckEnable::mask);
}

TEST(Cr4Write, ContextsNeedLongModeAndAClearCr3)
{
    constexpr u64 contexts = pae | Cr4::ProcessContextId::mask;
    EXPECT_FALSE(after_cr4_write({.cr0 = pe, .cr4 = pae}, contexts, contexts));
    EXPECT_FALSE(after_cr4_write({.cr0 = pe | pg, .cr3 = 0x1001, .cr4 = pae, .efer = lme | lma}, contexts, contexts));
    EXPECT_TRUE(after_cr4_write({.cr0 = pe | pg, .cr3 = 0x1000, .cr4 = pae, .efer = lme | lma}, contexts, contexts));
}

}
}
