// SPDX-License-Identifier: MIT
#include "drivers/screen/pixel_screen.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <vector>

using namespace hospes;
using namespace hospes::screen;

namespace {

/// 'X' is all lit, everything else has one lit pixel in its upper left corner, blanks none.
Glyph test_glyph(char character)
{
    static constexpr std::array<u8, glyph_height> blank{};
    static constexpr std::array<u8, glyph_height> corner{0x80};
    static constexpr auto full = [] {
        std::array<u8, glyph_height> rows{};
        rows.fill(0xff);
        return rows;
    }();
    return Glyph{character == ' ' ? blank : character == 'X' ? full : corner};
}

/// A screen with a margin behind each line and behind the last one.
struct Monitor {
    static constexpr u8 untouched = 0x55;

    explicit Monitor(u32 width, u32 height, u8 bytes)
        : layout{.pitch_bytes = width * bytes + 16, .width = width, .height = height, .bytes_per_pixel = bytes},
          memory(layout.pitch_bytes * height + 64, untouched),
          screen{std::make_unique<PixelScreen>()}
    {
        usable = screen->initialize(layout, test_glyph);
        screen->use_pixels(memory.data());
    }

    void write(std::string_view text) { screen->write({text.data(), text.size()}); }
    bool lit(u32 x, u32 y) const { return memory[y * layout.pitch_bytes + x * layout.bytes_per_pixel] != 0; }

    PixelLayout layout;
    std::vector<u8> memory;
    std::unique_ptr<PixelScreen> screen;
    bool usable = false;
};

}

TEST(PixelScreen, DrawsCellsAndNothingElse)
{
    for (u8 const bytes : {u8{2}, u8{3}, u8{4}}) {
        Monitor monitor{3 * glyph_width + 5, 2 * glyph_height + 7, bytes};
        ASSERT_TRUE(monitor.usable);
        monitor.write("aX");
        EXPECT_TRUE(monitor.lit(0, 0));
        EXPECT_FALSE(monitor.lit(1, 0));
        EXPECT_TRUE(monitor.lit(8, 0) && monitor.lit(15, 15));
        EXPECT_FALSE(monitor.lit(16, 0));
        size_t const behind_line = size_t{3} * glyph_width * bytes;
        EXPECT_EQ(monitor.memory[behind_line], Monitor::untouched) << "the part right of the last column";
        EXPECT_EQ(monitor.memory.back(), Monitor::untouched);
        EXPECT_EQ(monitor.memory[2 * glyph_height * monitor.layout.pitch_bytes], Monitor::untouched);
    }
}

TEST(PixelScreen, Scrolls)
{
    Monitor monitor{16, 32, 4};
    monitor.write("a\nX\n");
    EXPECT_TRUE(monitor.lit(7, 15)) << "the second line moved to the first";
    EXPECT_FALSE(monitor.lit(0, 16));
}

TEST(PixelScreen, DrawsEverythingAgainWhenAsked)
{
    Monitor monitor{16, 32, 4};
    monitor.write("X");
    std::ranges::fill(monitor.memory, u8{1});
    monitor.write("");
    EXPECT_EQ(monitor.memory[0], 1) << "what has not changed is not drawn";
    monitor.screen->redraw();
    monitor.write("");
    EXPECT_EQ(monitor.memory[0], 0xaa);
}

TEST(PixelScreen, WideScreensGetLargeLetters)
{
    Monitor monitor{2560, 32, 4};
    monitor.write("a");
    EXPECT_TRUE(monitor.lit(0, 0) && monitor.lit(1, 1));
    EXPECT_FALSE(monitor.lit(2, 0));
}

TEST(PixelScreen, RefusesWhatCannotHoldText)
{
    EXPECT_FALSE(Monitor(7, 16, 4).usable);
    EXPECT_FALSE(Monitor(8, 15, 4).usable);
    EXPECT_FALSE(Monitor(640, 480, 1).usable);
    PixelScreen screen;
    EXPECT_FALSE(screen.initialize({.pitch_bytes = 100, .width = 640, .height = 480, .bytes_per_pixel = 4}, test_glyph))
        << "lines longer than the distance between them";
}

TEST(PixelScreen, KeepsTextWhileThereIsNowhereToDraw)
{
    Monitor monitor{16, 32, 4};
    monitor.screen->use_pixels(nullptr);
    monitor.write("X");
    EXPECT_EQ(monitor.memory[0], Monitor::untouched);
    monitor.screen->use_pixels(monitor.memory.data());
    monitor.write("");
    EXPECT_TRUE(monitor.lit(7, 15));
}
