// SPDX-License-Identifier: MIT
/// Multiboot 0.6.96, section 3.3, "Boot information format".
#include "boot/multiboot1.hpp"

#include <cstddef>

#include "kernel/lib/bit_register.hpp"

namespace hospes::boot {
namespace {

struct Multiboot1Flags : Register<Multiboot1Flags> {
    using Register::Register;
    using BasicMemory = Field<Multiboot1Flags, 0>;
    using CommandLine = Field<Multiboot1Flags, 2>;
    using Modules = Field<Multiboot1Flags, 3>;
    using MemoryMap = Field<Multiboot1Flags, 6>;
    using LoaderName = Field<Multiboot1Flags, 9>;
    using Framebuffer = Field<Multiboot1Flags, 12>;
};

struct Multiboot1Info {
    u32 flags;
    u32 memory_lower_kib, memory_upper_kib;
    u32 boot_device;
    u32 command_line;
    u32 module_count, modules;
    u32 symbols[4];
    u32 memory_map_bytes, memory_map;
    u32 drives_bytes, drives;
    u32 configuration_table;
    u32 loader_name;
    u32 apm_table;
    u32 vbe_control, vbe_mode;
    u16 vbe_mode_number, vbe_segment, vbe_offset, vbe_length;
    u32 framebuffer_low, framebuffer_high;
    u32 framebuffer_pitch, framebuffer_width, framebuffer_height;
    u8 framebuffer_bits_per_pixel, framebuffer_type;
    u8 padding[2];
};
static_assert(sizeof(Multiboot1Info) == 112 && offsetof(Multiboot1Info, memory_map) == 48 &&
              offsetof(Multiboot1Info, loader_name) == 64 && offsetof(Multiboot1Info, framebuffer_low) == 88);

constexpr u8 framebuffer_is_rgb = 1;

struct Multiboot1Module {
    u32 start, end;
    u32 command_line;
    u32 reserved;
};
static_assert(sizeof(Multiboot1Module) == 16);

/// `size` does not count itself.
struct [[gnu::packed]] Multiboot1MemoryRange {
    u32 size;
    u64 start, bytes;
    u32 kind;
};
static_assert(sizeof(Multiboot1MemoryRange) == 24);

void read_memory_map(LoaderMemory const& memory, Multiboot1Info const& info, BootInfo& out)
{
    u64 at = info.memory_map;
    u64 const end = at + info.memory_map_bytes;
    while (at + sizeof(Multiboot1MemoryRange) <= end) {
        auto const range = memory.read<Multiboot1MemoryRange>(Hpa{at});
        if (!range || range->size < sizeof(Multiboot1MemoryRange) - sizeof(range->size)) return;
        if (!out.memory_map.push_back({Hpa{range->start}, range->bytes, MemoryKind{range->kind}})) return;
        at += sizeof(range->size) + range->size;
    }
}

void read_basic_memory(Multiboot1Info const& info, BootInfo& out)
{
    if (!out.memory_map.push_back({Hpa{0}, info.memory_lower_kib * kib, MemoryKind::Usable})) return;
    if (!out.memory_map.push_back({Hpa{mib}, info.memory_upper_kib * kib, MemoryKind::Usable})) return;
}

void read_modules(LoaderMemory const& memory, Multiboot1Info const& info, StringStore& strings, BootInfo& out)
{
    for (u32 i = 0; i < info.module_count && !out.modules.full(); ++i) {
        auto const module = memory.read<Multiboot1Module>(Hpa{info.modules + u64{i} * sizeof(Multiboot1Module)});
        if (!module) return;
        u64 const bytes = module->end > module->start ? module->end - module->start : 0;
        std::string_view const line = module->command_line != 0 ? memory.text(Hpa{module->command_line}) : "";
        if (!out.modules.push_back({Hpa{module->start}, bytes, strings.keep(line)})) return;
    }
}

}

void read_multiboot1(LoaderMemory const& memory, Hpa where, StringStore& strings, BootInfo& out)
{
    auto const info = memory.read<Multiboot1Info>(where);
    if (!info) return;
    Multiboot1Flags const has{info->flags};
    if (has.get<Multiboot1Flags::CommandLine>()) out.command_line = strings.keep(memory.text(Hpa{info->command_line}));
    if (has.get<Multiboot1Flags::LoaderName>()) out.loader_name = strings.keep(memory.text(Hpa{info->loader_name}));
    if (has.get<Multiboot1Flags::MemoryMap>())
        read_memory_map(memory, *info, out);
    else if (has.get<Multiboot1Flags::BasicMemory>())
        read_basic_memory(*info, out);
    if (has.get<Multiboot1Flags::Modules>()) read_modules(memory, *info, strings, out);
    if (has.get<Multiboot1Flags::Framebuffer>() && info->framebuffer_type == framebuffer_is_rgb)
        out.framebuffer =
            Framebuffer{Hpa{u64{info->framebuffer_high} << 32 | info->framebuffer_low}, info->framebuffer_pitch,
                        info->framebuffer_width, info->framebuffer_height, info->framebuffer_bits_per_pixel};
}

}
