// SPDX-License-Identifier: MIT
#include "boot/multiboot2.hpp"

#include <array>
#include <gtest/gtest.h>
#include <vector>

#include "tests/fakes/loader_memory.hpp"

using namespace hospes;
using namespace hospes::boot;

namespace {

/// Builds a tag list word by word.
class Tags {
public:
    Tags() { words_ = {0, 0}; }
    Tags& add(u32 type, std::vector<u32> const& content, std::string_view text = {})
    {
        std::vector<u8> bytes(content.size() * 4);
        if (!content.empty()) std::memcpy(bytes.data(), content.data(), bytes.size());
        bytes.insert(bytes.end(), text.begin(), text.end());
        if (!text.empty()) bytes.push_back(0);
        words_.push_back(type);
        words_.push_back(static_cast<u32>(8 + bytes.size()));
        bytes.resize(round_up(bytes.size(), 8));
        for (size_t i = 0; i < bytes.size(); i += 4) {
            u32 word;
            std::memcpy(&word, bytes.data() + i, 4);
            words_.push_back(word);
        }
        return *this;
    }
    std::vector<u32> finish()
    {
        add(0, {});
        words_[0] = static_cast<u32>(words_.size() * 4);
        return words_;
    }

private:
    std::vector<u32> words_;
};

struct Result {
    std::array<char, 4096> room{};
    BootInfo info;
};

Result parse(std::vector<u32> const& words)
{
    fakes::LoaderMemory memory;
    u32 const where = memory.append(words.data(), words.size() * 4);
    Result result;
    StringStore strings{result.room};
    read_multiboot2(memory, Hpa{where}, strings, result.info);
    return result;
}

}

TEST(Multiboot2, ReadsWhatGrubGives)
{
    Result const result = parse(Tags{}
                                    .add(1, {}, "placeholder dom0_mem=1G")
                                    .add(2, {}, "GRUB 2.06")
                                    .add(3, {0x100'0000, 0x180'0000}, "placeholder root=/dev/vda1")
                                    .add(3, {0x200'0000, 0x200'0800})
                                    .add(4, {640, 1024})
                                    .add(6, {24, 0, 0x10'0000, 0, 0x4000'0000, 0, 1, 0, 0, 1, 0x1000, 0, 2, 0})
                                    .add(8, {0xfd00'0000, 0, 4096, 1024, 768, 32 | 1 << 8, 0, 0})
                                    .add(14, {0x2044'5352, 0x2052'5450, 0, 0, 0})
                                    .finish());
    EXPECT_EQ(result.info.command_line, "placeholder dom0_mem=1G");
    EXPECT_EQ(result.info.loader_name, "GRUB 2.06");
    ASSERT_EQ(result.info.modules.size(), 2u);
    EXPECT_EQ(result.info.modules[0].bytes, 0x80'0000u);
    EXPECT_EQ(result.info.modules[0].command_line, "placeholder root=/dev/vda1");
    EXPECT_EQ(result.info.modules[1].command_line, "");
    ASSERT_EQ(result.info.memory_map.size(), 2u);
    EXPECT_EQ(result.info.memory_map[1].start, Hpa{4 * gib});
    EXPECT_EQ(result.info.memory_map[1].kind, MemoryKind::Reserved);
    ASSERT_TRUE(result.info.framebuffer);
    EXPECT_EQ(result.info.framebuffer->width, 1024u);
    EXPECT_EQ(result.info.framebuffer->bits_per_pixel, 32);
    EXPECT_TRUE(result.info.rsdp);
}

TEST(Multiboot2, TheFullMapBeatsTheBasicNumbersInEitherOrder)
{
    std::vector<u32> const map{24, 0, 0, 0, 0x1000'0000, 0, 1, 0};
    EXPECT_EQ(parse(Tags{}.add(6, map).add(4, {640, 1024}).finish()).info.memory_map.size(), 1u);
    EXPECT_EQ(parse(Tags{}.add(4, {640, 1024}).add(6, map).finish()).info.memory_map.size(), 1u);
    EXPECT_EQ(parse(Tags{}.add(4, {640, 1024}).finish()).info.memory_map.size(), 2u);
}

TEST(Multiboot2, StopsAtATagThatCannotBe)
{
    std::vector<u32> too_long = Tags{}.add(1, {}, "text").finish();
    too_long[3] = 0x1000'0000;
    EXPECT_TRUE(parse(too_long).info.command_line.empty());
    std::vector<u32> too_short = Tags{}.add(77, {}).add(1, {}, "text").finish();
    too_short[3] = 4;
    EXPECT_TRUE(parse(too_short).info.command_line.empty());
}

TEST(Multiboot2, AModuleThatEndsBeforeItStartsIsEmpty)
{
    Result const result = parse(Tags{}.add(3, {0x2000, 0x1000}, "x").finish());
    ASSERT_EQ(result.info.modules.size(), 1u);
    EXPECT_EQ(result.info.modules[0].bytes, 0u);
}
