// SPDX-License-Identifier: MIT
/// dom0's memory: how much, where, and that nothing is ever in two places or given away by mistake.
#include "kernel/dom0/memory_map.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "kernel/device_memory/device_windows.hpp"
#include "kernel/dom0/layout.hpp"
#include "kernel/dom0/memory_budget.hpp"
#include "kernel/dom0/memory_claim.hpp"

namespace hospes::dom0 {
namespace {

using boot::MemoryKind;
using boot::MemoryRange;
using Ranges = std::vector<MemoryRange>;

/// QEMU's q35 with 3 GiB, roughly.
Ranges const machine{{Hpa{0}, 0x9F000, MemoryKind::Usable},
                     {Hpa{0x9FC00}, 0x400, MemoryKind::Reserved},
                     {Hpa{0xF0000}, 0x10000, MemoryKind::Reserved},
                     {Hpa{1 * mib}, 2 * gib - mib - 0x20000, MemoryKind::Usable},
                     {Hpa{2 * gib - 0x20000}, 0x20000, MemoryKind::Reserved},
                     {Hpa{0xB000'0000}, 0x1000'0000, MemoryKind::Reserved},
                     {Hpa{0xFEFF'C000}, 0x4000, MemoryKind::Reserved},
                     {Hpa{4 * gib}, 1 * gib, MemoryKind::Usable}};

void expect_sane(MemoryMap const& map)
{
    for (size_t i = 0; i + 1 < map.size(); ++i) {
        EXPECT_LE(map[i].end(), map[i + 1].start) << i;
        EXPECT_FALSE(map[i].kind == map[i + 1].kind && map[i].end() == map[i + 1].start) << "should be one: " << i;
    }
}

MemoryKind kind_at(MemoryMap const& map, u64 where)
{
    for (auto const& range : map)
        if (range.start.raw() <= where && where < range.end().raw()) return range.kind;
    return MemoryKind{0};
}

TEST(Dom0MemoryMap, RamIsGivenFromLowToHigh)
{
    u64 const budget = 512 * mib / page_size;
    auto const map = make_memory_map(machine, {}, budget);
    ASSERT_TRUE(map);
    expect_sane(*map);
    EXPECT_EQ(usable_frames(map->items()), budget);
    EXPECT_EQ(kind_at(*map, 0x1000), MemoryKind::Usable);
    EXPECT_EQ(kind_at(*map, 16 * mib), MemoryKind::Usable);
    EXPECT_EQ(kind_at(*map, 600 * mib), MemoryKind::Unusable);
    EXPECT_EQ(kind_at(*map, 4 * gib), MemoryKind::Unusable);
    EXPECT_EQ(kind_at(*map, 0xB000'0000), MemoryKind::Reserved);
    EXPECT_EQ(kind_at(*map, 0xC000'0000), MemoryKind{0}) << "the PCI hole stays a hole";
}

TEST(Dom0MemoryMap, HeldFramesAreUnusable)
{
    std::array const held{FrameRun{Hfn{0x200}, 0x100}, FrameRun{Hfn{0x7FF00}, 0x1000}};
    auto const map = make_memory_map(machine, held, ~u64{0});
    ASSERT_TRUE(map);
    expect_sane(*map);
    EXPECT_EQ(kind_at(*map, 0x1F'FFFF), MemoryKind::Usable);
    EXPECT_EQ(kind_at(*map, 0x20'0000), MemoryKind::Unusable);
    EXPECT_EQ(kind_at(*map, 0x2F'FFFF), MemoryKind::Unusable);
    EXPECT_EQ(kind_at(*map, 0x30'0000), MemoryKind::Usable);
    EXPECT_EQ(kind_at(*map, 0x7FF0'0000), MemoryKind::Unusable);
    EXPECT_EQ(kind_at(*map, 2 * gib - 0x20000), MemoryKind::Reserved) << "held frames outside of RAM change nothing";
}

TEST(Dom0MemoryMap, StaysShort)
{
    std::vector<FrameRun> held;
    for (u64 i = 0; i < 200; ++i) held.push_back({Hfn{0x1000 + i * (2 + i)}, 1});
    auto const map = make_memory_map(machine, held, ~u64{0});
    ASSERT_TRUE(map);
    expect_sane(*map);
    EXPECT_LE(map->size(), 126u);
    for (auto const& run : held) EXPECT_NE(kind_at(*map, address_of(run.first).raw()), MemoryKind::Usable);
    EXPECT_EQ(kind_at(*map, 4 * gib), MemoryKind::Usable) << "the large pieces stay";
    EXPECT_EQ(kind_at(*map, 0x1000), MemoryKind::Usable);
}

TEST(Dom0MemoryMap, FirmwareMapThatIsTooLongIsRefused)
{
    Ranges ranges;
    for (u64 i = 0; i < 140; ++i) ranges.push_back({Hpa{i * 0x10000}, 0x1000, MemoryKind::Reserved});
    EXPECT_EQ(make_memory_map(ranges, {}, 0).error(), Error::TooBig);
}

TEST(Dom0MemoryMap, RandomMapsNeverGiveAwayWhatIsHeld)
{
    std::mt19937_64 random{7};
    for (int round = 0; round < 300; ++round) {
        Ranges ranges;
        u64 position = 0;
        for (int i = 0; i < 40; ++i) {
            position += random() % 3 * (random() % 0x9000);
            u64 const bytes = 1 + random() % 0x40'0000;
            ranges.push_back({Hpa{position}, bytes, random() % 3 != 0 ? MemoryKind::Usable : MemoryKind::Reserved});
            position += bytes;
        }
        std::vector<FrameRun> held;
        for (u64 frame = 0; frame < position >> page_shift;) {
            frame += 1 + random() % 2000;
            u64 const count = 1 + random() % 100;
            held.push_back({Hfn{frame}, count});
            frame += count;
            if (held.size() == 250) break;
        }
        u64 const budget = random() % 30000;
        auto const map = make_memory_map(ranges, held, budget);
        if (!map) continue;
        for (size_t i = 0; i + 1 < map->size(); ++i) ASSERT_LE((*map)[i].end(), (*map)[i + 1].start);
        ASSERT_LE(usable_frames(map->items()), budget);
        for (auto const& range : *map) {
            if (range.kind != MemoryKind::Usable) continue;
            ASSERT_EQ(range.bytes % page_size, 0u);
            for (auto const& run : held)
                ASSERT_FALSE(address_of(run.first) < range.end() && range.start < address_of(run.end()));
            bool inside = false;
            for (auto const& host : ranges)
                inside |= host.kind == MemoryKind::Usable && host.start <= range.start && range.start < host.end();
            ASSERT_TRUE(inside);
        }
    }
}

TEST(Dom0MemoryMap, AcpiTablesAreCutOut)
{
    auto map = *make_memory_map(machine, {}, ~u64{0});
    size_t const before = map.size();
    ASSERT_TRUE(mark_as_acpi(map, Hpa{64 * mib}, 0x2000));
    expect_sane(map);
    EXPECT_EQ(map.size(), before + 2);
    EXPECT_EQ(kind_at(map, 64 * mib + 0x1FFF), MemoryKind::AcpiReclaimable);
    EXPECT_EQ(kind_at(map, 64 * mib + 0x2000), MemoryKind::Usable);
    EXPECT_EQ(mark_as_acpi(map, Hpa{0xB000'0000}, 0x1000).error(), Error::Invalid);
}

constexpr u64 frames(u64 bytes) { return bytes / page_size; }

constexpr MemoryAmount amount(u64 bytes, bool negative = false)
{
    return {.given = true, .negative = negative, .bytes = bytes};
}

Dom0Memory option(MemoryAmount size, MemoryAmount minimum = {}, MemoryAmount maximum = {})
{
    return {.size = size, .minimum = minimum, .maximum = maximum};
}

TEST(Dom0Budget, DefaultKeepsASixteenthButNoMoreThan128MiB)
{
    EXPECT_EQ(frames_for_dom0({}, frames(1 * gib), frames(1000 * mib)), frames(1000 * mib - 64 * mib));
    EXPECT_EQ(frames_for_dom0({}, frames(64 * gib), frames(63 * gib)), frames(63 * gib - 128 * mib));
}

TEST(Dom0Budget, OptionIsObeyedAsFarAsMemoryGoes)
{
    constexpr u64 total = frames(4 * gib), available = frames(4 * gib - 100 * mib);
    EXPECT_EQ(frames_for_dom0(option(amount(512 * mib)), total, available), frames(512 * mib));
    EXPECT_EQ(frames_for_dom0(option(amount(512 * mib, true)), total, available), available - frames(512 * mib));
    EXPECT_EQ(frames_for_dom0(option(amount(512 * mib), amount(1 * gib)), total, available), frames(1 * gib));
    EXPECT_EQ(frames_for_dom0(option({}, {}, amount(1 * gib)), total, available), frames(1 * gib));
    EXPECT_EQ(frames_for_dom0(option(amount(8 * gib)), total, available), available - frames(smallest_reserve_bytes));
    EXPECT_EQ(frames_for_dom0(option(amount(8 * gib)), frames(8 * mib), frames(8 * mib)), 0u);
}

TEST(Dom0Budget, TheMaximumHoldsAfterTheStart)
{
    constexpr u64 total = frames(4 * gib);
    EXPECT_EQ(limit_for_dom0(option(amount(512 * mib)), total), total) << "it may grow";
    EXPECT_EQ(limit_for_dom0(option(amount(512 * mib), {}, amount(1 * gib)), total), frames(1 * gib));
    EXPECT_EQ(limit_for_dom0(option({}, {}, amount(8 * gib)), total), total);
    EXPECT_EQ(limit_for_dom0(option({}, {}, amount(1 * gib, true)), total), frames(3 * gib)) << "all but";
}

TEST(Dom0Memory, SaysWhenMoreIsAskedForThanThereIs)
{
    u64 const total = frames(1 * gib);
    EXPECT_FALSE(asks_for_too_much({}, total));
    EXPECT_FALSE(asks_for_too_much(option(amount(1 * gib)), total));
    EXPECT_FALSE(asks_for_too_much(option(amount(64 * gib, true)), total)) << "all but 64 GiB";
    EXPECT_TRUE(asks_for_too_much(option(amount(1 * gib + page_size)), total));
    EXPECT_FALSE(asks_for_too_much(option(amount(64 * gib), {}, amount(512 * mib)), total))
        << "a maximum makes it harmless";
    EXPECT_TRUE(asks_for_too_much(option({}, amount(64 * gib)), total)) << "a minimum cannot be met";
}

TEST(Dom0Layout, EverythingHasItsOwnPlace)
{
    auto const map = *make_memory_map(machine, {}, ~u64{0});
    std::array const busy{FrameRun{Hfn{0x5000}, 0x100}};
    auto const layout = plan_layout(map, busy,
                                    {.kernel_start = Gpa{16 * mib},
                                     .kernel_end = Gpa{75 * mib + 123},
                                     .initrd_bytes = 40 * mib + 1,
                                     .start_info_bytes = 5000,
                                     .acpi_bytes = 700});
    ASSERT_TRUE(layout);
    EXPECT_EQ(layout->initrd, Gpa{0x5100'000}) << "behind what is busy";
    EXPECT_EQ(layout->start_info, Gpa{75 * mib + 0x1000}) << "small things fit in front of it";
    EXPECT_EQ(layout->acpi, Gpa{75 * mib + 0x3000});
}

TEST(Dom0Layout, WhatDoesNotFitIsNamed)
{
    auto const small = *make_memory_map(machine, {}, 64 * mib / page_size);
    LayoutRequest request{.kernel_start = Gpa{16 * mib}, .kernel_end = Gpa{65 * mib}};
    EXPECT_EQ(plan_layout(small, {}, request).error(), LoadFailure::KernelOutsideMemory);
    request.kernel_end = Gpa{60 * mib};
    EXPECT_TRUE(plan_layout(small, {}, request));
    request.initrd_bytes = 16 * mib;
    EXPECT_EQ(plan_layout(small, {}, request).error(), LoadFailure::NoRoomForInitrd);
    request.initrd_bytes = 14 * mib;
    EXPECT_EQ(plan_layout(small, {}, request)->initrd, Gpa{1 * mib}) << "below the kernel when there is no room behind";
    request.start_info_bytes = 8 * mib;
    EXPECT_EQ(plan_layout(small, {}, request).error(), LoadFailure::NoRoomForStartInfo);
    std::array const busy{FrameRun{Hfn{0x3000}, 1}};
    EXPECT_EQ(plan_layout(small, busy, request).error(), LoadFailure::NotEnoughMemoryToUnpack);
}

TEST(Dom0Blocks, AreAlignedAndCoverEverything)
{
    std::vector<unsigned> orders;
    u64 covered = 0;
    FrameRun const run{Hfn{0x3FFFE}, 0x40000 + 0x200 + 5};
    ASSERT_TRUE(for_each_block(run, [&](Hfn first, unsigned order) -> Expected<> {
        EXPECT_EQ(first, run.first + covered);
        EXPECT_EQ(first.raw() % (u64{1} << order), 0u);
        covered += u64{1} << order;
        if (orders.empty() || orders.back() != order) orders.push_back(order);
        return {};
    }));
    EXPECT_EQ(covered, run.count);
    EXPECT_EQ(orders, (std::vector<unsigned>{0, 18, 9, 0}));
}

TEST(Dom0Blocks, HolesAreLeftOut)
{
    std::vector<std::pair<u64, u64>> parts;
    std::array const holes{FrameRun{Hfn{50}, 10}, FrameRun{Hfn{0}, 12}, FrameRun{Hfn{20}, 0}, FrameRun{Hfn{90}, 100}};
    ASSERT_TRUE(for_each_part_outside({Hfn{10}, 90}, holes, [&](FrameRun part) -> Expected<> {
        parts.emplace_back(part.first.raw(), part.end().raw());
        return {};
    }));
    EXPECT_EQ(parts, (std::vector<std::pair<u64, u64>>{{12, 50}, {60, 90}}));
}

TEST(DeviceWindows, RamAndTrappedPagesAreNotDevices)
{
    DeviceWindows windows;
    ASSERT_TRUE(windows.initialize(machine, 40));
    ASSERT_TRUE(windows.exclude({Hfn{0xFEC00}, 1}));
    EXPECT_TRUE(windows.allows({Hfn{0xFD000}, 512}));
    EXPECT_FALSE(windows.allows({Hfn{0xFEC00}, 1}));
    EXPECT_FALSE(windows.allows({Hfn{0xFEA00}, 0x400})) << "a block with a trapped page in it";
    EXPECT_FALSE(windows.allows({Hfn{0x1000}, 1})) << "RAM, even if dom0 did not get it";
    EXPECT_FALSE(windows.allows({Hfn{4 * gib / page_size}, 1}));
    EXPECT_TRUE(windows.allows({Hfn{(u64{1} << 28) - 1}, 1}));
    EXPECT_FALSE(windows.allows({Hfn{u64{1} << 28}, 1})) << "the CPU has no such address";
    EXPECT_FALSE(windows.allows({Hfn{~u64{0}}, 2}));
}

TEST(DeviceWindows, WalkFindsExactlyTheAllowedParts)
{
    DeviceWindows windows;
    ASSERT_TRUE(windows.initialize(machine, 36));
    ASSERT_TRUE(windows.exclude({Hfn{0xFEE00}, 0x100}));
    ASSERT_TRUE(windows.exclude({Hfn{0xFEC00}, 1}));
    std::vector<std::pair<u64, u64>> parts;
    auto const collect = [&](FrameRun run) -> Expected<> {
        parts.emplace_back(run.first.raw(), run.end().raw());
        return {};
    };
    ASSERT_TRUE(windows.for_each_allowed({Hfn{0xFEC00}, 0x1400}, collect));
    EXPECT_EQ(parts, (std::vector<std::pair<u64, u64>>{{0xFEC01, 0xFEE00}, {0xFEF00, 0x100000}}));
    parts.clear();
    ASSERT_TRUE(windows.for_each_allowed({Hfn{0}, 0x200}, collect));
    EXPECT_EQ(parts, (std::vector<std::pair<u64, u64>>{{0x9F, 0x100}}));
}

}
}
