// SPDX-License-Identifier: MIT
/// Good kernels load to where they say; each way of being bad has its own name.
#include "kernel/dom0/elf_image.hpp"

#include <gtest/gtest.h>

#include "tests/unit/kernel/dom0/kernel_maker.hpp"

namespace hospes::dom0 {
namespace {

using test::Bytes;
using test::make_elf;

constexpr u64 origin = 16 * mib;
std::vector<test::SegmentPlan> const like_linux{
    {origin, 0x800, 0x800}, {origin + 0x100000, 0x300, 0x300}, {origin + 0x20000, 0x200, 0x9000}};

LoadFailure failure_of(Bytes const& file)
{
    auto const image = parse_elf(file);
    EXPECT_FALSE(image);
    return image.error_or(LoadFailure::NotAKernel);
}

TEST(ElfImage, SegmentsAreSortedByPhysicalAddress)
{
    Bytes const file = make_elf(like_linux, u64{origin + 0x40});
    auto const image = parse_elf(file);
    ASSERT_TRUE(image);
    EXPECT_EQ(image->entry, origin + 0x40);
    ASSERT_EQ(image->segments.size(), 3u);
    EXPECT_EQ(image->segments[1].where, Gpa{origin + 0x20000});
    EXPECT_EQ(image->segments[1].memory_bytes, 0x9000u);
    EXPECT_EQ(image->segments[1].content.size(), 0x200u);
    EXPECT_EQ(image->segments[1].content[0], 3);
    EXPECT_EQ(image->start(), Gpa{origin});
    EXPECT_EQ(image->end(), Gpa{origin + 0x100300});
}

TEST(ElfImage, NoteMayHaveFourBytesAndMayBeInASection)
{
    EXPECT_TRUE(parse_elf(make_elf(like_linux, u32{origin})));
    EXPECT_TRUE(parse_elf(make_elf(like_linux, u64{origin}, true)));
}

TEST(ElfImage, UnikernelsMayBe32Bits)
{
    auto const file = make_elf<elf::Elf32>({{1 * mib, 0x100, 0x2000}}, u32{1 * mib});
    auto const image = parse_elf(file);
    ASSERT_TRUE(image);
    EXPECT_EQ(image->end(), Gpa{1 * mib + 0x2000});
    EXPECT_TRUE(parse_elf(make_elf<elf::Elf32>({{1 * mib, 0x100, 0x2000}}, u32{1 * mib}, true)));
}

TEST(ElfImage, EveryTruncationIsNoticed)
{
    Bytes const file = make_elf(like_linux, u64{origin});
    for (size_t size = 0; size + 1 < file.size(); size += size < 0x500 ? 1 : 61) {
        auto const image = parse_elf(std::span{file}.first(size));
        EXPECT_FALSE(image) << size;
    }
}

TEST(ElfImage, SegmentsMustBeSane)
{
    EXPECT_EQ(failure_of(make_elf({{origin, 0x800, 0x800}, {origin + 0x7FF, 1, 1}}, u64{origin})),
              LoadFailure::ElfSegmentsOverlap);
    EXPECT_EQ(failure_of(make_elf({{origin, 0x800, 0x7FF}}, u64{origin})), LoadFailure::ElfSegmentOutsideFile);
    EXPECT_EQ(failure_of(make_elf({{4 * gib - 0x100, 0x10, 0x101}}, u64{origin})), LoadFailure::ElfSegmentTooHigh);
    EXPECT_EQ(failure_of(make_elf({{~u64{0} - 8, 0x10, 0x10}}, u64{origin})), LoadFailure::ElfSegmentTooHigh);
    EXPECT_EQ(failure_of(make_elf({{origin, 0x10, ~u64{0}}}, u64{origin})), LoadFailure::ElfSegmentTooHigh);
    EXPECT_EQ(failure_of(make_elf({}, u64{origin})), LoadFailure::ElfNoSegments);
    EXPECT_EQ(failure_of(make_elf({{origin, 0, 0}}, u64{origin})), LoadFailure::ElfNoSegments);
}

TEST(ElfImage, EntryMustBeInsideWhatIsLoaded)
{
    EXPECT_EQ(failure_of(make_elf(like_linux, u64{origin - 1})), LoadFailure::ElfEntryOutside);
    EXPECT_EQ(failure_of(make_elf(like_linux, u64{origin + 0x20200})), LoadFailure::ElfEntryOutside)
        << "in zeroed memory";
    EXPECT_EQ(failure_of(make_elf(like_linux, u64{4 * gib})), LoadFailure::ElfBadEntryNote);
    EXPECT_EQ(failure_of(make_elf(like_linux, u16{1})), LoadFailure::ElfBadEntryNote);
}

TEST(ElfImage, OtherFilesAreRefusedByName)
{
    Bytes file = make_elf(like_linux, u64{origin});
    auto const with = [&](size_t offset, u8 value) {
        Bytes changed = file;
        changed[offset] = value;
        return failure_of(changed);
    };
    EXPECT_EQ(with(0, 'X'), LoadFailure::NotAKernel);
    EXPECT_EQ(with(4, 3), LoadFailure::ElfWrongMachine);
    EXPECT_EQ(with(5, 2), LoadFailure::ElfWrongMachine);
    EXPECT_EQ(with(18, 183), LoadFailure::ElfWrongMachine);
    EXPECT_EQ(with(16, 3), LoadFailure::ElfNotExecutable);
    EXPECT_EQ(with(test::note_offset + 20 + 8, 17), LoadFailure::ElfNoEntryNote);
    EXPECT_EQ(failure_of({}), LoadFailure::NotAKernel);
    for (int i = 0; i <= static_cast<int>(LoadFailure::NoRoomForAcpiTables); ++i)
        EXPECT_FALSE(describe(static_cast<LoadFailure>(i)).empty());
}

}
}
