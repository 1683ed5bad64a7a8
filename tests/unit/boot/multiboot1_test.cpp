// SPDX-License-Identifier: MIT
#include "boot/multiboot1.hpp"

#include <array>
#include <gtest/gtest.h>

#include "tests/fakes/loader_memory.hpp"

using namespace hospes;
using namespace hospes::boot;

namespace {

/// The information structure as 28 words, by their offsets in the specification.
struct Information {
    std::array<u32, 28> words{};
    u32& at(size_t offset) { return words[offset / 4]; }
};

struct Result {
    std::array<char, 4096> room{};
    BootInfo info;
};

Result parse(fakes::LoaderMemory const& memory, u32 where)
{
    Result result;
    StringStore strings{result.room};
    read_multiboot1(memory, Hpa{where}, strings, result.info);
    return result;
}

}

TEST(Multiboot1, ReadsEverythingQemuGives)
{
    fakes::LoaderMemory memory;
    std::array<u32, 4> const module{0x40'0000, 0x40'1000, memory.put_text("vmlinuz root=/dev/sda"), 0};
    std::array<u32, 12> const map{20, 0, 0, 0x9'f000, 0, 1, 20, 0x10'0000, 0, 0x3fee'0000, 0, 1};
    Information information;
    information.at(0) = 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9;
    information.at(16) = memory.put_text("hospes.elf console=com1");
    information.at(20) = 1;
    information.at(24) = memory.put(module);
    information.at(44) = sizeof(map);
    information.at(48) = memory.put(map);
    information.at(64) = memory.put_text("qemu");
    Result const result = parse(memory, memory.put(information));

    // The text is ours: it lies in the room that was given, not in the loader's memory.
    EXPECT_EQ(result.info.command_line, "hospes.elf console=com1");
    EXPECT_EQ(result.info.loader_name, "qemu");
    ASSERT_EQ(result.info.modules.size(), 1u);
    EXPECT_EQ(result.info.modules[0].start, Hpa{0x40'0000});
    EXPECT_EQ(result.info.modules[0].bytes, 0x1000u);
    EXPECT_EQ(result.info.modules[0].command_line, "vmlinuz root=/dev/sda");
    ASSERT_EQ(result.info.memory_map.size(), 2u);
    EXPECT_EQ(result.info.memory_map[1].start, Hpa{mib});
    EXPECT_EQ(result.info.memory_map[1].bytes, 0x3fee'0000u);
    EXPECT_EQ(result.info.memory_map[1].kind, MemoryKind::Usable);
}

TEST(Multiboot1, TakesTheTwoBasicNumbersWithoutAMap)
{
    fakes::LoaderMemory memory;
    Information information;
    information.at(0) = 1;
    information.at(4) = 640;
    information.at(8) = 1024;
    Result const result = parse(memory, memory.put(information));
    ASSERT_EQ(result.info.memory_map.size(), 2u);
    EXPECT_EQ(result.info.memory_map[0].bytes, 640 * kib);
    EXPECT_EQ(result.info.memory_map[1].end(), Hpa{2 * mib});
}

TEST(Multiboot1, LeavesOutWhatCannotBeReached)
{
    fakes::LoaderMemory memory;
    Information information;
    information.at(0) = 1 << 2 | 1 << 3 | 1 << 6;
    information.at(16) = 0xffff'0000;
    information.at(20) = 0xffff'ffff;
    information.at(24) = 0xffff'ff00;
    information.at(44) = 0xffff'ffff;
    information.at(48) = 0xffff'ffff;
    Result const result = parse(memory, memory.put(information));
    EXPECT_TRUE(result.info.command_line.empty());
    EXPECT_TRUE(result.info.modules.empty());
    EXPECT_TRUE(result.info.memory_map.empty());
    EXPECT_TRUE(parse(memory, 0x10).info.memory_map.empty());
}
