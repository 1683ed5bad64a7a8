// SPDX-License-Identifier: MIT
#include "boot/uefi/configuration.hpp"

#include <array>
#include <gtest/gtest.h>

#include "boot/uefi/information.hpp"

using namespace hospes;
using namespace hospes::uefi;

namespace {

constexpr Configuration example{"# comment\r\n"
                                "[global]\r\n"
                                "default = debian\r\n"
                                "\n"
                                "[debian]\n"
                                "  options=console=vga dom0_mem=2G  \n"
                                "#kernel=no\n"
                                "kernel=vmlinuz root=/dev/sda2\n"
                                "[ other ]\n"
                                "kernel=else"};

}

TEST(Configuration, FindsValuesInTheirSection)
{
    EXPECT_EQ(example.value("global", "default"), "debian");
    EXPECT_EQ(example.value("debian", "options"), "console=vga dom0_mem=2G");
    EXPECT_EQ(example.value("debian", "kernel"), "vmlinuz root=/dev/sda2");
    EXPECT_EQ(example.value("other", "kernel"), "else") << "the last line needs no end";
    EXPECT_EQ(example.value("debian", "ramdisk"), std::nullopt);
    EXPECT_EQ(example.value("global", "kernel"), std::nullopt);
}

TEST(Configuration, KnowsWhichSectionsThereAre)
{
    EXPECT_TRUE(example.has_section("other"));
    EXPECT_FALSE(example.has_section("nothing"));
    EXPECT_FALSE(Configuration{""}.has_section("global"));
    EXPECT_FALSE(Configuration{"[global\ndefault=x"}.has_section("global")) << "a bracket is missing";
}

TEST(Configuration, FirstWord)
{
    EXPECT_EQ(split_first_word("vmlinuz  root=/dev/sda ro").word, "vmlinuz");
    EXPECT_EQ(split_first_word("vmlinuz  root=/dev/sda ro").rest, "root=/dev/sda ro");
    EXPECT_EQ(split_first_word("vmlinuz").rest, "");
}

TEST(Information, TagsAreAlignedAndMeasured)
{
    alignas(8) std::array<u8, 64> room{};
    Information out{room};
    out.begin(Information::Tag::CommandLine);
    out.put_text("abc");
    out.end();
    ASSERT_TRUE(out.finish());
    std::array<u32, 8> words;
    std::memcpy(words.data(), room.data(), sizeof(words));
    EXPECT_EQ(words[0], 32U) << "total size";
    EXPECT_EQ(words[2], 1U);
    EXPECT_EQ(words[3], 12U) << "header and text with its zero";
    EXPECT_EQ(words[6], 0U) << "the end tag begins at a multiple of eight";
    EXPECT_EQ(words[7], 8U);
}

TEST(Information, NotEnoughRoom)
{
    std::array<u8, 20> room{};
    Information out{room};
    out.begin(Information::Tag::CommandLine);
    out.put_text("much too long for it");
    out.end();
    EXPECT_FALSE(out.finish());
}
