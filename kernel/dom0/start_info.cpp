// SPDX-License-Identifier: MIT
/// Version 1 of the structure: with the memory map. (xen/include/public/arch-x86/hvm/start_info.h.)
#include "kernel/dom0/start_info.hpp"

#include <algorithm>
#include <cstring>

#include "kernel/abi/xen/start_info.hpp"

namespace hospes::dom0 {

namespace {

constexpr u64 modules_offset = sizeof(xen::StartInfo);
constexpr u64 memory_map_offset = modules_offset + sizeof(xen::ModuleListEntry);

[[nodiscard]] constexpr u64 command_line_offset(size_t entries)
{
    return memory_map_offset + entries * sizeof(xen::MemoryMapTableEntry);
}

template <typename T>
void put(std::span<u8> chunk, u64 offset, T const& value)
{
    std::memcpy(chunk.subspan(offset, sizeof(T)).data(), &value, sizeof(T));
}

}

u64 start_info_bytes(std::string_view command_line)
{
    return command_line_offset(max_map_entries) + command_line.size() + 1;
}

Expected<> write_start_info(std::span<u8> chunk, Gpa where, StartInfoContent const& content)
{
    u64 const text_at = command_line_offset(content.memory_map.size());
    if (chunk.size() < text_at || chunk.size() - text_at <= content.command_line.size()) return failure(Error::NoSpace);
    bool const has_initrd = content.initrd_bytes != 0;

    std::ranges::fill(chunk, u8{0});
    put(chunk, 0,
        xen::StartInfo{.magic = xen::start_info_magic,
                       .version = 1,
                       .flags = xen::start_info_flag::privileged | xen::start_info_flag::initial_domain,
                       .nr_modules = has_initrd ? 1U : 0U,
                       .module_list_address = has_initrd ? (where + modules_offset).raw() : 0,
                       .command_line_address = (where + text_at).raw(),
                       .rsdp_address = content.rsdp.raw(),
                       .memory_map_address = (where + memory_map_offset).raw(),
                       .memory_map_entries = static_cast<u32>(content.memory_map.size()),
                       .reserved = 0});
    if (has_initrd)
        put(chunk, modules_offset,
            xen::ModuleListEntry{.address = content.initrd.raw(),
                                 .size = content.initrd_bytes,
                                 .command_line_address = 0,
                                 .reserved = 0});
    for (size_t i = 0; i < content.memory_map.size(); ++i) {
        boot::MemoryRange const& range = content.memory_map[i];
        put(chunk, memory_map_offset + i * sizeof(xen::MemoryMapTableEntry),
            xen::MemoryMapTableEntry{.address = range.start.raw(),
                                     .size = range.bytes,
                                     .type = static_cast<u32>(range.kind),
                                     .reserved = 0});
    }
    std::ranges::copy(content.command_line, chunk.subspan(text_at).begin());
    return {};
}

}
