// SPDX-License-Identifier: MIT
/// The feature table, against recorded CPUs.
#include "arch/x86_64/cpu/features.hpp"

#include <gtest/gtest.h>

namespace hospes {
namespace {

/// QEMU 7.2, TCG, -cpu EPYC,+svm,+npt.
CpuidLeaf emulated_epyc(u32 leaf, u32 subleaf)
{
    switch (leaf) {
    case 0: return {0xd, 0x6874'7541, 0x444d'4163, 0x6974'6e65};
    case 1: return {0x0080'0f12, 0x0001'0800, 0xf6f8'3203 & ~(1u << 21), 0x178b'fbff};
    case 7: return subleaf == 0 ? CpuidLeaf{0, 0x201c'01a9 | 1u << 7 | 1u << 20, 0, 0} : CpuidLeaf{};
    case 0x8000'0000: return {0x8000'001e, 0x6874'7541, 0x444d'4163, 0x6974'6e65};
    case 0x8000'0001: return {0x0080'0f12, 0, 0x0040'01f7, 0x2fd3'fbff};
    case 0x8000'000a: return {1, 0x10, 0, 1u << 0 | 1u << 16};
    default: return {};
    }
}

/// A CPU that has nothing above leaf 1, and answers higher leaves with rubbish, as old Intel CPUs do.
CpuidLeaf ancient_cpu(u32 leaf, u32)
{
    switch (leaf) {
    case 0: return {1, 0x756e'6547, 0x6c65'746e, 0x4965'6e69};
    case 1: return {0, 0, 0, 1u << 9};
    default: return {0x1234'5678, 0xffff'ffff, 0xffff'ffff, 0xffff'ffff};
    }
}

TEST(CpuFeatures, ReadsAnEmulatedEpyc)
{
    CpuFeatures const features = CpuFeatures::detect(emulated_epyc);
    for (Feature wanted : {Feature::Apic, Feature::Svm, Feature::NestedPaging, Feature::VirtualGif, Feature::NoExecute,
                           Feature::GibibytePages, Feature::LongMode, Feature::SupervisorExecutionPrevention})
        EXPECT_TRUE(features.has(wanted)) << name_of(wanted);
    for (Feature absent : {Feature::Vmx, Feature::NextRipSave, Feature::X2Apic, Feature::TscDeadline,
                           Feature::InvariantTsc, Feature::DecodeAssists})
        EXPECT_FALSE(features.has(absent)) << name_of(absent);
}

TEST(CpuFeatures, IgnoresAnswersForLeavesThatDoNotExist)
{
    CpuFeatures const features = CpuFeatures::detect(ancient_cpu);
    EXPECT_TRUE(features.has(Feature::Apic));
    EXPECT_FALSE(features.has(Feature::SupervisorAccessPrevention));
    EXPECT_FALSE(features.has(Feature::Svm));
    EXPECT_FALSE(features.has(Feature::NestedPaging));
}

TEST(CpuFeatures, NamesWhatAnotherCpuLacks)
{
    CpuFeatures const epyc = CpuFeatures::detect(emulated_epyc);
    CpuFeatures const ancient = CpuFeatures::detect(ancient_cpu);
    EXPECT_EQ(epyc.first_missing_from(epyc), std::nullopt);
    EXPECT_EQ(epyc.first_missing_from(ancient), std::nullopt);
    EXPECT_TRUE(ancient.first_missing_from(epyc).has_value());
}

TEST(Cpuid, KnowsVendors)
{
    EXPECT_EQ(cpu_vendor(emulated_epyc), CpuVendor::Amd);
    EXPECT_EQ(cpu_vendor(ancient_cpu), CpuVendor::Intel);
    EXPECT_EQ(cpu_vendor([](u32, u32) { return CpuidLeaf{}; }), CpuVendor::Unknown);
}

}
}
