// SPDX-License-Identifier: MIT
/// The page pool, and what the memory map says.

#include "tests/guests/framework/memory.hpp"

#include <algorithm>

#include "kernel/abi/xen/memory.hpp"
#include "tests/guests/framework/hypercall.hpp"
#include "tests/guests/framework/report.hpp"
#include "tests/guests/framework/start.hpp"

extern "C" char const image_end[];

namespace hospes::test {
namespace {

constexpr size_t pool_pages = 192;
alignas(page_size) constinit std::array<std::array<u8, page_size>, pool_pages> pool{};
constinit size_t pool_used = 0;

constexpr size_t map_capacity = 128;
constinit std::array<MemoryRange, map_capacity> ranges{};
constinit size_t range_count = 0;

void read_start_info_map()
{
    auto const* entries = reinterpret_cast<xen::MemoryMapTableEntry const*>(start_info().memory_map_address);
    range_count = std::min<size_t>(start_info().memory_map_entries, map_capacity);
    for (size_t i = 0; i != range_count; ++i) ranges[i] = {entries[i].address, entries[i].size, entries[i].type};
}

void ask_for_map()
{
    static std::array<xen::E820Entry, map_capacity> entries{};
    xen::MemoryMap request{};
    request.nr_entries = map_capacity;
    request.buffer = {address(entries.data())};
    if (hypercall(xen::Hypercall::MemoryOp, xen::MemoryCommand::MemoryMap, &request) != 0) abandon("no memory map");
    range_count = std::min<size_t>(request.nr_entries, map_capacity);
    for (size_t i = 0; i != range_count; ++i) ranges[i] = {entries[i].address, entries[i].size, entries[i].type};
}

bool is_free(u64 begin, u64 size)
{
    return std::ranges::none_of(memory_map(), [=](MemoryRange const& range) {
        return begin < range.begin + range.size && range.begin < begin + size;
    });
}

}

u8* allocate_pages(size_t count)
{
    if (count > pool_pages - pool_used) abandon("page pool exhausted");
    auto* first = pool[pool_used].data();
    pool_used += count;
    return first;
}

std::span<MemoryRange const> memory_map()
{
    if (range_count == 0) {
        if (start_info().version >= 1 && start_info().memory_map_entries != 0) {
            read_start_info_map();
        } else {
            ask_for_map();
        }
    }
    return std::span{ranges}.first(range_count);
}

std::optional<u64> spare_memory(u64 size, u64 alignment)
{
    // The loader puts start_info, modules and the command line after the image or on top of RAM: keep a distance.
    constexpr u64 distance = 4 * mib;
    for (auto const& range : memory_map()) {
        if (range.type != usable_memory || range.begin >= 4 * gib) continue;
        u64 begin = round_up(std::max(range.begin, address(image_end) + distance), alignment);
        u64 end = std::min(range.begin + range.size, 4 * gib);
        if (begin + size + distance <= end) return begin;
    }
    return std::nullopt;
}

u64 unused_gfn(u64 offset)
{
    constexpr u64 hole_size = 32 * mib;
    for (u64 begin = 2 * gib; begin != 4 * gib - hole_size; begin += hole_size) {
        if (is_free(begin, hole_size)) return (begin >> page_shift) + offset;
    }
    abandon("no hole in the memory map");
}

}
