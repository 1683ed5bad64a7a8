// SPDX-License-Identifier: MIT
/// What guests are told about the CPU, and how the toolstack reads and changes it.
#include "arch/x86_64/cpuid/cpuid_policy.hpp"

#include <gtest/gtest.h>

#include "arch/x86_64/cpu/control_registers.hpp"
#include "arch/x86_64/cpuid/cpuid_policy_wire.hpp"
#include "kernel/abi/xen/cpuid.hpp"

namespace hospes::arch {
namespace {

/// A CPU that has every feature, AVX, AVX-512 and PKU state, and leaves up to far above ours.
CpuidLeaf boastful_cpu(u32 leaf, u32 subleaf)
{
    constexpr u32 all = 0xffff'ffff;
    switch (leaf) {
    case 0: return {0x20, 0x6874'7541, 0x444d'4163, 0x6974'6e65};
    case 1: return {0x0080'0f12, 0x0504'0800, all, all};
    case 4: return subleaf < 3 ? CpuidLeaf{0xfc00'4121 + subleaf, 1, 2, 3} : CpuidLeaf{};
    case 7: return subleaf == 0 ? CpuidLeaf{2, all, all, all} : CpuidLeaf{all, all, all, all};
    case 0xb: return {1, 2, 0x100 | subleaf, 77};
    case 0xd:
        if (subleaf == 0) return {0x2ff, 2696, 2696, 0};
        if (subleaf == 1) return {0xf, 2696, 0x1800, 0};
        if (subleaf == 2) return {256, 576, 0, 0};
        if (subleaf == 5) return {64, 1088, 0, 0};
        if (subleaf == 6) return {512, 1152, 0, 0};
        if (subleaf == 7) return {1024, 1664, 0, 0};
        if (subleaf == 9) return {8, 2688, 0, 0};
        return {};
    case 0x8000'0000: return {0x8000'0028, 0, 0, 0};
    case 0x8000'0001: return {0x0080'0f12, 0, all, all};
    case 0x8000'0007: return {all, all, all, all};
    case 0x8000'0008: return {0x0000'3030, all, 0x701f, all};
    default: return {all, all, all, all};
    }
}

CpuidPolicy maximum() { return maximum_policy(read_policy(boastful_cpu)); }
CpuidPolicy guest() { return default_policy(maximum(), false); }

bool bit(u32 word, unsigned number) { return (word >> number & 1) != 0; }

TEST(CpuidPolicy, HidesWhatGuestsMustNotSee)
{
    CpuidPolicy const policy = guest();
    CpuidLeaf const leaf1 = answer_cpuid(policy, {}, 1, 0);
    EXPECT_FALSE(bit(leaf1.ecx, 3)) << "MONITOR";
    EXPECT_FALSE(bit(leaf1.ecx, 5)) << "VMX";
    EXPECT_FALSE(bit(leaf1.ecx, 6)) << "SMX";
    EXPECT_TRUE(bit(leaf1.ecx, 31)) << "hypervisor";
    EXPECT_TRUE(bit(leaf1.ecx, 21)) << "x2APIC";
    CpuidLeaf const leaf7 = answer_cpuid(policy, {}, 7, 0);
    EXPECT_FALSE(bit(leaf7.ebx, 2)) << "SGX";
    EXPECT_FALSE(bit(leaf7.ecx, 16)) << "LA57";
    EXPECT_FALSE(bit(leaf7.ecx, 31)) << "PKS";
    EXPECT_FALSE(bit(answer_cpuid(policy, {}, 0x8000'0001, 0).ecx, 2)) << "SVM";
    EXPECT_EQ(answer_cpuid(policy, {}, 0x8000'000a, 0), CpuidLeaf{});
    EXPECT_EQ(answer_cpuid(policy, {}, 0xa, 0), CpuidLeaf{}) << "performance counters";
    EXPECT_EQ(answer_cpuid(policy, {}, 5, 0), CpuidLeaf{});
}

/// A Debian guest's crypto self-tests used AVX on a CPU without XSAVE, and died of it.
TEST(CpuidPolicy, WithoutXsaveThereIsNoAvx)
{
    constexpr auto without_xsave = [](u32 leaf, u32 subleaf) {
        CpuidLeaf answer = boastful_cpu(leaf, subleaf);
        if (leaf == 1) answer.ecx &= ~(1U << 26);
        return answer;
    };
    CpuidPolicy asked_for = guest();
    constrain(asked_for, maximum_policy(read_policy(without_xsave)));
    CpuidLeaf const leaf1 = answer_cpuid(asked_for, {}, 1, 0);
    CpuidLeaf const leaf7 = answer_cpuid(asked_for, {}, 7, 0);
    EXPECT_FALSE(bit(leaf1.ecx, 26)) << "XSAVE";
    EXPECT_FALSE(bit(leaf1.ecx, 28)) << "AVX";
    EXPECT_FALSE(bit(leaf1.ecx, 12)) << "FMA";
    EXPECT_FALSE(bit(leaf7.ebx, 5)) << "AVX2";
    EXPECT_FALSE(bit(leaf7.ebx, 16)) << "AVX512F";
    EXPECT_FALSE(bit(leaf7.ebx, 31)) << "AVX512VL";
    EXPECT_FALSE(bit(leaf7.ecx, 9)) << "VAES";
    EXPECT_TRUE(bit(leaf1.ecx, 25)) << "AES-NI stays";
    EXPECT_TRUE(bit(answer_cpuid(guest(), {}, 7, 0).ebx, 31)) << "with XSAVE all of them are there";
}

TEST(CpuidPolicy, OnlyTheControlDomainGetsTheInvariantTscByDefault)
{
    EXPECT_FALSE(bit(answer_cpuid(guest(), {}, 0x8000'0007, 0).edx, 8));
    EXPECT_TRUE(bit(answer_cpuid(default_policy(maximum(), true), {}, 0x8000'0007, 0).edx, 8));
}

TEST(CpuidPolicy, AnswersDependOnTheVcpu)
{
    CpuidContext context{.vcpu = 3, .domain = 7, .cr4 = Cr4::XsaveEnable::mask, .xcr0 = 7};
    CpuidPolicy const policy = guest();
    EXPECT_EQ(answer_cpuid(policy, context, 1, 0).ebx >> 24, 6U);
    EXPECT_TRUE(bit(answer_cpuid(policy, context, 1, 0).ecx, 27));
    EXPECT_FALSE(bit(answer_cpuid(policy, {}, 1, 0).ecx, 27));
    for (u32 subleaf : {0U, 1U, 9U}) EXPECT_EQ(answer_cpuid(policy, context, 0xb, subleaf).edx, 6U);
    EXPECT_EQ(answer_cpuid(policy, context, 0xd, 0).ebx, 832U);
    EXPECT_EQ(answer_cpuid(policy, context, 0xd, 0).ecx, 2696U);
    context.xcr0 = 1;
    EXPECT_EQ(answer_cpuid(policy, context, 0xd, 0).ebx, 576U);
}

TEST(CpuidPolicy, HypervisorLeavesAreXens)
{
    CpuidContext const context{.vcpu = 3, .domain = 7};
    CpuidLeaf const base = answer_cpuid(guest(), context, 0x4000'0000, 0);
    EXPECT_EQ(base.eax, 0x4000'0005U);
    EXPECT_EQ(base.ebx, xen::cpuid_signature_ebx);
    EXPECT_EQ(answer_cpuid(guest(), context, 0x4000'0001, 0).eax, 0x0004'0011U);
    CpuidLeaf const hvm = answer_cpuid(guest(), context, 0x4000'0004, 0);
    EXPECT_EQ(hvm.eax, 0x5cU);
    EXPECT_EQ(hvm.ebx, 3U);
    EXPECT_EQ(hvm.ecx, 7U);
    for (u32 other = 0x4000'0100; other < 0x4001'0000; other += 0x100)
        ASSERT_EQ(answer_cpuid(guest(), context, other, 0), CpuidLeaf{});
}

TEST(CpuidPolicy, LeavesOutOfRangeAreEmpty)
{
    for (u32 leaf : {0xeU, 0x20U, 0xffffU, 0x1'0000U, 0x8000'0022U, 0x8000'ffffU, 0xffff'ffffU})
        EXPECT_EQ(answer_cpuid(guest(), {}, leaf, 0), CpuidLeaf{}) << leaf;
    for (u32 leaf : {4U, 7U, 0xdU}) EXPECT_EQ(answer_cpuid(guest(), {}, leaf, 0xffff'ffff), CpuidLeaf{}) << leaf;
}

TEST(CpuidPolicy, ConstrainTakesWhatTheMaximumLacks)
{
    CpuidPolicy policy = guest();
    policy.basic[1].ecx = 0xffff'ffff;
    policy.extended[1].ecx = 0xffff'ffff;
    constrain(policy, maximum());
    EXPECT_FALSE(bit(policy.basic[1].ecx, 5));
    EXPECT_FALSE(bit(policy.extended[1].ecx, 2));
    EXPECT_EQ(policy.xcr0_mask(), 0x2e7U);
    policy.basic[1].ecx &= ~(1U << 28); // without AVX there is no AVX state
    constrain(policy, maximum());
    EXPECT_FALSE(policy.xcr0_mask() & 4);
}

TEST(CpuidPolicyWire, RoundTrip)
{
    CpuidPolicy const policy = guest();
    std::array<xen::CpuidLeaf, max_policy_leaves> leaves{};
    auto const count = write_leaves(policy, leaves);
    ASSERT_TRUE(count);
    CpuidPolicy copy;
    copy.basic[1] = {};
    WireError error;
    ASSERT_TRUE(merge_leaves(copy, std::span{leaves}.first(*count), error));
    EXPECT_EQ(copy, policy);
    EXPECT_EQ(write_leaves(policy, std::span{leaves}.first(*count - 1)).error(), Error::NoBufferSpace);
}

/// The toolstack writes leaf D without gaps, into as much room as the list that it read had.
TEST(CpuidPolicyWire, LeafDHasNoGaps)
{
    CpuidPolicy const policy = maximum_policy(read_policy(boastful_cpu));
    std::array<xen::CpuidLeaf, max_policy_leaves> leaves{};
    auto const count = write_leaves(policy, leaves);
    ASSERT_TRUE(count);
    u32 expected = 0;
    for (xen::CpuidLeaf const& leaf : std::span{leaves}.first(*count)) {
        if (leaf.leaf != 0xd) continue;
        EXPECT_EQ(leaf.subleaf, expected);
        ++expected;
    }
    EXPECT_EQ(expected, 10U) << "PKU state is component 9";
}

TEST(CpuidPolicyWire, RefusesUnknownLeavesAndNamesThem)
{
    CpuidPolicy policy = guest();
    WireError error;
    xen::CpuidLeaf const unknown{0x1f, xen::cpuid_no_subleaf, 0, 0, 0, 0};
    EXPECT_EQ(merge_leaves(policy, {&unknown, 1}, error).error(), Error::OutOfRange);
    EXPECT_EQ(error.leaf, 0x1fU);
    xen::CpuidLeaf const deep{0xd, 63, 0, 0, 0, 0};
    EXPECT_FALSE(merge_leaves(policy, {&deep, 1}, error));
    xen::CpuidLeaf const should_have_none{1, 0, 0, 0, 0, 0};
    EXPECT_FALSE(merge_leaves(policy, {&should_have_none, 1}, error));
    xen::MsrEntry const flagged{0xce, 1, 0};
    EXPECT_EQ(merge_msrs(policy, {&flagged, 1}, error).error(), Error::Invalid);
}

TEST(CpuidPolicyWire, ChecksLimits)
{
    CpuidPolicy policy = guest();
    WireError error;
    EXPECT_TRUE(check_compatible(policy, maximum(), error));
    policy.basic[0].eax = 0xe;
    EXPECT_FALSE(check_compatible(policy, maximum(), error));
    EXPECT_EQ(error.leaf, 0U);
}

}
}
