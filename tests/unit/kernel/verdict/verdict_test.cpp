// SPDX-License-Identifier: MIT
#include "kernel/verdict/verdict.hpp"

#include <gtest/gtest.h>
#include <map>
#include <string>

#include "kernel/verdict/processor.hpp"

using namespace hospes;
using namespace hospes::verdict;

namespace {

struct Kept {
    Standing standing;
    std::string found, advice;
};

std::map<std::string, Kept, std::less<>> all_rows()
{
    std::map<std::string, Kept, std::less<>> rows;
    for_each([&](Row const& row) {
        rows[std::string{row.what}] = {row.standing, std::string{row.found}, std::string{row.advice}};
    });
    return rows;
}

class Verdict : public testing::Test {
protected:
    void SetUp() override { clear(); }
    void TearDown() override { clear(); }

    static Kept row(std::string_view what)
    {
        auto const rows = all_rows();
        auto const found = rows.find(what);
        return found == rows.end() ? Kept{Standing::Broken, "no such row", ""} : found->second;
    }
};

constexpr ProcessorFacts good_amd{
    .vendor = Vendor::Amd, .has_extension = true, .nested_paging = true, .huge_pages = true, .next_rip = true};
constexpr ProcessorFacts good_intel{.vendor = Vendor::Intel,
                                    .has_extension = true,
                                    .nested_paging = true,
                                    .unrestricted_guest = true,
                                    .next_rip = true};

}

TEST_F(Verdict, LaterRowsReplaceEarlierOnes)
{
    add({"IOMMU", Standing::Absent, "none", "buy one"});
    add("IOMMU", Standing::InUse, "", "{} units", 2);
    EXPECT_EQ(all_rows().size(), 1U);
    EXPECT_EQ(row("IOMMU").found, "2 units");
    EXPECT_EQ(row("IOMMU").advice, "");
}

TEST_F(Verdict, TooMuchIsCutOff)
{
    std::string const long_text(500, 'x');
    add({"long", Standing::InUse, long_text, ""});
    EXPECT_EQ(row("long").found.size(), 120U);
    static std::array<std::string, 100> names;
    for (size_t i = 0; i < names.size(); ++i) {
        names[i] = "row " + std::to_string(i);
        add({names[i], Standing::InUse, "", ""});
    }
    EXPECT_EQ(all_rows().size(), 32U);
}

TEST_F(Verdict, GoodProcessors)
{
    judge_processor(good_amd);
    EXPECT_EQ(row("CPU virtualization").standing, Standing::InUse);
    EXPECT_EQ(row("nested paging").found, "NPT, pages of 4 KiB, 2 MiB and 1 GiB");
    EXPECT_EQ(row("outer hypervisor").standing, Standing::Absent);
    clear();
    judge_processor(good_intel);
    EXPECT_EQ(row("nested paging").found, "EPT, pages of 4 KiB, 2 MiB");
    EXPECT_EQ(row("unrestricted guest").standing, Standing::InUse);
}

TEST_F(Verdict, ApicVirtualization)
{
    judge_processor(good_amd);
    EXPECT_EQ(row("APIC virtualization").standing, Standing::Absent);
    ProcessorFacts facts = good_intel;
    facts.apic_virtualization = true;
    judge_processor(facts);
    EXPECT_EQ(row("APIC virtualization").standing, Standing::SwitchedOff);
    EXPECT_TRUE(row("APIC virtualization").advice.contains("apicv=on"));
    facts.apic_virtualization_wanted = true;
    judge_processor(facts);
    EXPECT_EQ(row("APIC virtualization").standing, Standing::InUse);
}

TEST_F(Verdict, ExtensionAbsent)
{
    judge_processor({.vendor = Vendor::Amd});
    EXPECT_EQ(row("CPU virtualization").standing, Standing::Absent);
    EXPECT_TRUE(row("CPU virtualization").advice.contains("SVM Mode"));
    EXPECT_FALSE(all_rows().contains("nested paging"));
    clear();
    judge_processor({.vendor = Vendor::Intel});
    EXPECT_TRUE(row("CPU virtualization").advice.contains("Intel Virtualization Technology"));
    clear();
    judge_processor({});
    EXPECT_EQ(row("CPU virtualization").found, "neither SVM nor VMX");
}

TEST_F(Verdict, ExtensionHiddenByAnOuterHypervisor)
{
    judge_processor({.vendor = Vendor::Intel, .has_outer_hypervisor = true, .outer_hypervisor = "VMwareVMware"});
    EXPECT_EQ(row("outer hypervisor").found, "VMware");
    EXPECT_TRUE(row("CPU virtualization").advice.contains("nested virtualization"));
}

TEST_F(Verdict, ExtensionLockedByFirmware)
{
    for (Vendor const vendor : {Vendor::Amd, Vendor::Intel}) {
        clear();
        ProcessorFacts facts = vendor == Vendor::Amd ? good_amd : good_intel;
        facts.locked_by_firmware = true;
        judge_processor(facts);
        EXPECT_EQ(row("CPU virtualization").standing, Standing::Broken);
        EXPECT_TRUE(row("CPU virtualization").found.ends_with("locked by the firmware"));
        EXPECT_FALSE(row("CPU virtualization").advice.empty());
    }
}

TEST_F(Verdict, PagingFeaturesMissing)
{
    ProcessorFacts facts = good_amd;
    facts.nested_paging = false;
    judge_processor(facts);
    EXPECT_EQ(row("nested paging").standing, Standing::Absent);
    clear();
    facts = good_intel;
    facts.unrestricted_guest = false;
    judge_processor(facts);
    EXPECT_EQ(row("unrestricted guest").standing, Standing::Absent);
    clear();
    facts = good_amd;
    facts.next_rip = false;
    judge_processor(facts);
    EXPECT_EQ(row("next instruction pointer").standing, Standing::Absent);
}

TEST_F(Verdict, OuterHypervisorsByName)
{
    using namespace std::string_view_literals;
    EXPECT_EQ(name_of_hypervisor("KVMKVMKVM\0\0\0"sv), "KVM");
    EXPECT_EQ(name_of_hypervisor("Microsoft Hv"), "Hyper-V");
    EXPECT_EQ(name_of_hypervisor("SomethingNew"), "SomethingNew");
}

TEST_F(Verdict, FewCpusAndLittleMemory)
{
    judge_cpus(1, 1);
    judge_memory(900);
    EXPECT_FALSE(row("CPUs").advice.empty());
    EXPECT_FALSE(row("memory").advice.empty());
    judge_cpus(2, 4);
    EXPECT_EQ(row("CPUs").found, "2 of 4");
    EXPECT_TRUE(row("CPUs").advice.contains("maxcpus="));
    judge_cpus(4, 4);
    judge_memory(8192);
    EXPECT_TRUE(row("CPUs").advice.empty() && row("memory").advice.empty());
}
