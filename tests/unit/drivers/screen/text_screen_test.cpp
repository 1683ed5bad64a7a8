// SPDX-License-Identifier: MIT
#include "drivers/screen/text_screen.hpp"

#include <array>
#include <gtest/gtest.h>
#include <string>

using namespace hospes;

namespace {

struct Screen {
    std::array<u16, 4 * 3 + 1> cells{};
    screen::TextScreen text{cells.data(), 4, 3};

    std::string show(std::string_view written)
    {
        text.write(written);
        std::string out;
        for (unsigned i = 0; i < 12; ++i) out.push_back(static_cast<char>(cells[i]));
        return out;
    }
};

}

TEST(TextScreen, WrapsAndScrolls)
{
    Screen screen;
    screen.text.clear();
    EXPECT_EQ(screen.show("ab\ncd"), "ab  cd      ");
    EXPECT_EQ(screen.show("efgh"), "ab  cdefgh  ");
    EXPECT_EQ(screen.show("\nxy\n"), "gh  xy      ");
    EXPECT_EQ(screen.cells[12], 0) << "nothing behind the screen is touched";
}

TEST(TextScreen, ControlCharacters)
{
    Screen screen;
    screen.text.clear();
    EXPECT_EQ(screen.show("ab\rx\a"), "xb          ");
    EXPECT_EQ(screen.show("\ty"), "xb  y       ");
}
