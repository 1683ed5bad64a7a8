// SPDX-License-Identifier: MIT
/// Judges addresses that DMAR and IVRS name, of demanded regions and of registers, by the machine's memory map.
#include "drivers/acpi/io_virtualization.hpp"

#include <algorithm>

namespace hospes::acpi {

namespace {

[[nodiscard]] bool touches_usable_memory(u64 start, u64 end, std::span<boot::MemoryRange const> memory_map)
{
    return std::ranges::any_of(memory_map, [&](boot::MemoryRange const& range) {
        return range.kind == boot::MemoryKind::Usable && range.start.raw() < end && start < range.end().raw();
    });
}

}

Judged<void> add_demanded_region(DemandedRegions& regions, u64 first, u64 last,
                                 std::span<boot::MemoryRange const> memory_map)
{
    if (last < first || last >= end_of_physical_addresses) return broken("a demanded region has no sane end", last);
    u64 const start = round_down(first, page_size);
    u64 const end = round_up(last + 1, page_size);
    if (touches_usable_memory(start, end, memory_map))
        return broken("a demanded region lies in memory that is not reserved", first);
    if (!regions.push_back({.start = Hpa{start}, .bytes = end - start}))
        return broken("there are more demanded regions than there can be");
    return {};
}

Judged<void> check_registers(u64 base, u64 bytes, std::span<boot::MemoryRange const> memory_map)
{
    if (base == 0 || base % page_size != 0 || base >= end_of_physical_addresses - bytes)
        return broken("its registers are at an impossible address", base);
    if (touches_usable_memory(base, base + bytes, memory_map)) return broken("its registers lie in RAM", base);
    return {};
}

}
