// SPDX-License-Identifier: MIT
/// Multiboot 2.0, section 3.6, "Boot information format": a list of tags, each with its type and size.
#include "boot/multiboot2.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace hospes::boot {
namespace {

struct InfoHeader {
    u32 total_bytes, reserved;
};

struct TagHeader {
    u32 type, bytes;
};
constexpr u32 end_tag = 0;
constexpr u64 tag_alignment = 8;

/// One tag: what is in it, and where it goes.
struct Tag {
    LoaderMemory const& memory;
    Hpa start;
    u32 bytes;
    StringStore& strings;
    BootInfo& out;

    /// The object at `offset`, if all of it is in the tag.
    template <typename T>
    [[nodiscard]] std::optional<T> read(u64 offset) const
    {
        if (offset + sizeof(T) > bytes) return std::nullopt;
        return memory.read<T>(start + offset);
    }
    [[nodiscard]] std::string_view kept_text(u64 offset) const
    {
        if (offset >= bytes) return {};
        return strings.keep(memory.text(start + offset, std::min<u64>(bytes - offset, LoaderMemory::longest_text)));
    }
};

struct ModuleTag {
    TagHeader header;
    u32 start, end;
};

struct MemoryMapTag {
    TagHeader header;
    u32 entry_bytes, entry_version;
};
struct MemoryMapEntry {
    u64 start, bytes;
    u32 kind, reserved;
};
static_assert(sizeof(MemoryMapTag) == 16 && sizeof(MemoryMapEntry) == 24);

struct BasicMemoryTag {
    TagHeader header;
    u32 lower_kib, upper_kib;
};

struct FramebufferTag {
    TagHeader header;
    u64 start;
    u32 pitch_bytes, width, height;
    u8 bits_per_pixel, type;
    u16 reserved;
};
static_assert(sizeof(FramebufferTag) == 32 && offsetof(FramebufferTag, bits_per_pixel) == 28);
constexpr u8 framebuffer_is_rgb = 1;

struct EfiTableTag {
    TagHeader header;
    u64 pointer;
};

void take_command_line(Tag const& tag) { tag.out.command_line = tag.kept_text(sizeof(TagHeader)); }
void take_loader_name(Tag const& tag) { tag.out.loader_name = tag.kept_text(sizeof(TagHeader)); }

void take_module(Tag const& tag)
{
    auto const module = tag.read<ModuleTag>(0);
    if (!module || tag.out.modules.full()) return;
    u64 const bytes = module->end > module->start ? module->end - module->start : 0;
    static_cast<void>(tag.out.modules.push_back({Hpa{module->start}, bytes, tag.kept_text(sizeof(ModuleTag))}));
}

/// Only counts if there is no full map, whichever of the two comes first.
void take_basic_memory(Tag const& tag)
{
    auto const memory = tag.read<BasicMemoryTag>(0);
    if (!memory || !tag.out.memory_map.empty()) return;
    static_cast<void>(tag.out.memory_map.push_back({Hpa{0}, memory->lower_kib * kib, MemoryKind::Usable}));
    static_cast<void>(tag.out.memory_map.push_back({Hpa{mib}, memory->upper_kib * kib, MemoryKind::Usable}));
}

void take_memory_map(Tag const& tag)
{
    auto const map = tag.read<MemoryMapTag>(0);
    if (!map || map->entry_bytes < sizeof(MemoryMapEntry)) return;
    tag.out.memory_map.clear();
    for (u64 at = sizeof(MemoryMapTag);; at += map->entry_bytes) {
        auto const entry = tag.read<MemoryMapEntry>(at);
        if (!entry || !tag.out.memory_map.push_back({Hpa{entry->start}, entry->bytes, MemoryKind{entry->kind}})) return;
    }
}

void take_framebuffer(Tag const& tag)
{
    auto const screen = tag.read<FramebufferTag>(0);
    if (!screen || screen->type != framebuffer_is_rgb) return;
    tag.out.framebuffer =
        Framebuffer{Hpa{screen->start}, screen->pitch_bytes, screen->width, screen->height, screen->bits_per_pixel};
}

void take_efi_system_table(Tag const& tag)
{
    if (auto const table = tag.read<EfiTableTag>(0)) tag.out.efi_system_table = Hpa{table->pointer};
}

/// The tag holds a copy of the ACPI root pointer; of the two revisions the newer one, which comes last, wins.
void take_acpi_root(Tag const& tag)
{
    if (tag.bytes > sizeof(TagHeader)) tag.out.rsdp = tag.start + sizeof(TagHeader);
}

struct TagReader {
    u32 type;
    void (*take)(Tag const& tag);
};
constexpr std::array readers{
    TagReader{1, take_command_line},      TagReader{2, take_loader_name}, TagReader{3, take_module},
    TagReader{4, take_basic_memory},      TagReader{6, take_memory_map},  TagReader{8, take_framebuffer},
    TagReader{12, take_efi_system_table}, TagReader{14, take_acpi_root},  TagReader{15, take_acpi_root},
};

}

void read_multiboot2(LoaderMemory const& memory, Hpa where, StringStore& strings, BootInfo& out)
{
    auto const information = memory.read<InfoHeader>(where);
    if (!information) return;
    u64 at = sizeof(InfoHeader);
    while (at + sizeof(TagHeader) <= information->total_bytes) {
        auto const header = memory.read<TagHeader>(where + at);
        if (!header || header->type == end_tag || header->bytes < sizeof(TagHeader)) break;
        if (header->bytes > information->total_bytes - at) break;
        auto const reader = std::ranges::find(readers, header->type, &TagReader::type);
        if (reader != readers.end()) reader->take({memory, where + at, header->bytes, strings, out});
        at += round_up(header->bytes, tag_alignment);
    }
}

}
