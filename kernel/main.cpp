// SPDX-License-Identifier: MIT
/// The boot narrative.
#include "kernel/lib/integers.hpp"

extern "C" [[noreturn]] void kernel_main(hospes::u32 magic, hospes::u32 information)
{
    auto put = [](char c) {
        asm volatile("outb %b0, %w1" : : "a"(c), "d"(0x3f8));
    };
    put('H'); put('i'); put(static_cast<char>('0' + (magic & 7))); put(information != 0 ? 'y' : 'n'); put('\n');
    for (;;) asm volatile("hlt");
}
