// SPDX-License-Identifier: MIT
/// The PC's text screen, 80 by 25.
#include "drivers/screen/vga_text.hpp"

#include "drivers/screen/text_screen.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/log/console.hpp"

namespace hospes::screen {
namespace {

constexpr Hpa text_memory{0xb'8000};

class VgaText final : public console::Device {
public:
    void start()
    {
        text_ = TextScreen<80, 25>{static_cast<u16 volatile*>(arch::reach(text_memory))};
        text_.clear();
    }
    void write(std::span<char const> text) override { text_.write(text); }

private:
    TextScreen<80, 25> text_;
};

constinit VgaText vga_text;

}

void start_vga_text()
{
    vga_text.start();
    console::attach(vga_text);
}

void stop_vga_text() { console::detach(vga_text); }

}
