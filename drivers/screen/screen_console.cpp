// SPDX-License-Identifier: MIT
/// Picks the kind of screen, and gives and takes it.
#include "drivers/screen/screen_console.hpp"

#include "drivers/screen/pixel_screen.hpp"
#include "drivers/screen/text_screen.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/log/console.hpp"
#include "kernel/log/panic.hpp"

namespace hospes::screen {
namespace {

constexpr Hpa text_memory{0xb'8000};
constexpr unsigned text_columns = 80, text_rows = 25;
constexpr u64 reach_of_early_tables = 4 * gib;

class VgaText final : public console::Device {
public:
    void start()
    {
        text_ = TextScreen{static_cast<u16 volatile*>(arch::reach(text_memory)), text_columns, text_rows};
        text_.clear();
    }
    void write(std::span<char const> text) override { text_.write(text); }

private:
    TextScreen text_;
};

class FramebufferText final : public console::Device {
public:
    [[nodiscard]] bool start(boot::Framebuffer const& framebuffer)
    {
        where_ = framebuffer.start;
        bytes_ = u64{framebuffer.pitch_bytes} * framebuffer.height;
        PixelLayout const layout{.pitch_bytes = framebuffer.pitch_bytes,
                                 .width = framebuffer.width,
                                 .height = framebuffer.height,
                                 .bytes_per_pixel = static_cast<u8>((framebuffer.bits_per_pixel + 7) / 8)};
        if (!screen_.initialize(layout, glyph_of)) return false;
        bool const in_reach = where_.raw() < reach_of_early_tables && bytes_ <= reach_of_early_tables - where_.raw();
        screen_.use_pixels(in_reach ? arch::reach_as<u8>(where_) : nullptr);
        return true;
    }
    void leave_pixels() { screen_.use_pixels(nullptr); }
    void map() { screen_.use_pixels(static_cast<u8 volatile*>(arch::map_device(where_, bytes_))); }
    void redraw() { screen_.redraw(); }
    void write(std::span<char const> text) override { screen_.write(text); }

private:
    Hpa where_{};
    u64 bytes_ = 0;
    PixelScreen screen_;
};

constinit VgaText vga_text;
constinit FramebufferText framebuffer_text;
constinit console::Device* in_use = nullptr;
constinit bool is_stopped = false;

/// What dom0 shows is not worth more than why everything stopped.
void take_back()
{
    if (in_use == nullptr || !is_stopped) return;
    framebuffer_text.redraw();
    console::attach(*in_use);
}

[[nodiscard]] console::Device* find_screen(boot::BootInfo const& info)
{
    if (info.framebuffer) return framebuffer_text.start(*info.framebuffer) ? &framebuffer_text : nullptr;
    if (info.efi_system_table) return nullptr; // such machines need not have the PC's text mode
    vga_text.start();
    return &vga_text;
}

}

void start(boot::BootInfo const& info)
{
    in_use = find_screen(info);
    if (in_use == nullptr) return;
    console::attach(*in_use);
    at_panic(take_back);
}

void leave_early_mapping()
{
    if (in_use == &framebuffer_text) framebuffer_text.leave_pixels();
}

void use_final_mapping()
{
    if (in_use == &framebuffer_text) framebuffer_text.map();
}

void stop()
{
    if (in_use == nullptr) return;
    console::detach(*in_use);
    is_stopped = true;
}

}
