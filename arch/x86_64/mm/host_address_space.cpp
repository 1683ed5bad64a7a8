// SPDX-License-Identifier: MIT
/// Builds and switches the hypervisor's page tables. Table pages come from a pool in the image, and from the frame
/// allocator once that is empty: the direct map must be complete before the allocator can have memory at all.
#include "arch/x86_64/mm/host_address_space.hpp"

#include <algorithm>
#include <atomic>

#include "arch/x86_64/cpu/control_registers.hpp"
#include "arch/x86_64/cpu/features.hpp"
#include "arch/x86_64/mm/host_format.hpp"
#include "arch/x86_64/mm/image.hpp"
#include "arch/x86_64/mm/layout.hpp"
#include "arch/x86_64/mm/map_range.hpp"
#include "kernel/arch/memory.hpp"
#include "kernel/log/log.hpp"
#include "kernel/log/panic.hpp"
#include "kernel/mm/frame_allocator.hpp"
#include "kernel/sync/spinlock.hpp"

namespace hospes {
namespace {

/// Enough for 1 TiB in 1 GiB pages or 64 GiB in 2 MiB pages, with a hundred ragged ranges.
constexpr size_t pool_pages = 256;

struct alignas(page_size) TablePage {
    std::array<u64, entries_per_table> entries;
};
constinit std::array<TablePage, pool_pages> pool{};
constinit size_t pool_used = 0;
constinit bool pool_only = true;
constinit Spinlock<LockRank::InterruptRouting> tables_lock; // device mappings; a table page may be allocated under it

struct HostTableMemory {
    [[nodiscard]] Expected<Hpa> allocate() const
    {
        if (pool_used < pool.size()) return arch::physical_address(&pool[pool_used++]);
        if (pool_only) return failure(Error::OutOfMemory);
        auto const frame = frames::allocate_zeroed();
        if (!frame) return failure(frame.error());
        return address_of(*frame);
    }
    void free(Hpa) const {}                             // the address space lives for ever
    [[nodiscard]] u64 limit() const { return ~u64{0}; } // only domains have one
    void set_limit(u64) const {}
    [[nodiscard]] u64* reach(Hpa table) const { return arch::reach_as<u64>(table); }
};

/// The engine counts in guest frames; here they are pages of virtual memory.
using HostTables = PageTable<HostFormat, HostTableMemory>;

HostTables& tables()
{
    static HostTables instance{HostTableMemory{}};
    return instance;
}

Gfn page_of(u64 virtual_address)
{
    constexpr u64 page_number_mask = (u64{1} << 36) - 1;
    return Gfn{virtual_address >> page_shift & page_number_mask};
}

unsigned level_limit() { return cpu_features().has(Feature::GibibytePages) ? 2 : 1; }

[[nodiscard]] Expected<> map_direct(u64 start, u64 end, Access access, MemoryType memory)
{
    return map_range(
        tables(),
        {page_of(layout::direct_map + start), frame_of(Hpa{start}), (end - start) >> page_shift, access, memory},
        level_limit());
}

/// As map_direct(), but nobody may write to the image's code and constants this way either.
[[nodiscard]] Expected<> map_direct_around_image(u64 start, u64 end, Access access, MemoryType memory)
{
    u64 const image_from = std::clamp(arch::physical_address(text_start).raw(), start, end);
    u64 const image_to = std::clamp(arch::physical_address(rodata_end).raw(), image_from, end);
    if (auto const below = map_direct(start, image_from, access, memory); !below) return below;
    if (auto const within = map_direct(image_from, image_to, read_only, memory); !within) return within;
    return map_direct(image_to, end, access, memory);
}

/// The first MiB does not depend on the map: BIOS data, the screen and ROMs are always there.
void map_low_memory()
{
    constexpr u64 screen = 0xa'0000, roms = 0xc'0000;
    bool const mapped = map_direct(0, screen, read_write, MemoryType::WriteBack) &&
                        map_direct(screen, roms, read_write, MemoryType::Uncacheable) &&
                        map_direct(roms, mib, read_write, MemoryType::WriteBack);
    if (!mapped) panic("no table page for the first MiB");
}

struct Treatment {
    bool mapped = false;
    Access access{};
    MemoryType memory = MemoryType::Uncacheable;
    constexpr bool operator==(Treatment const&) const = default;
};

/// Reserved ranges may hold ACPI tables, or device registers: they can be read, carefully.
Treatment treatment_of(boot::MemoryKind kind)
{
    switch (kind) {
    case boot::MemoryKind::Usable:
    case boot::MemoryKind::AcpiReclaimable:
    case boot::MemoryKind::AcpiNvs: return {true, read_write, MemoryType::WriteBack};
    case boot::MemoryKind::Reserved: return {true, read_only, MemoryType::Uncacheable};
    case boot::MemoryKind::Unusable:
    case boot::MemoryKind::Persistent: break;
    }
    return {};
}

/// Maps map[from] with the neighbours that are treated alike, in whole pages, without the pages below `done`.
/// Returns how many ranges those are.
size_t map_neighbours(std::span<boot::MemoryRange> map, u64& done)
{
    Treatment const treatment = treatment_of(map.front().kind);
    size_t count = 1;
    while (count < map.size() && map[count].start == map[count - 1].end() && treatment_of(map[count].kind) == treatment)
        ++count;
    bool const is_memory = treatment.memory == MemoryType::WriteBack;
    u64 const start = std::max(round_down(map.front().start.raw(), page_size), done);
    u64 const end = std::min(round_up(map[count - 1].end().raw(), page_size), layout::direct_map_bytes);
    if (!treatment.mapped || end <= start) return count;
    if (!map_direct_around_image(start, end, treatment.access, treatment.memory) && is_memory) {
        log_warning("memory {:x} - {:x} is not used: no room for its page tables", start, end);
        for (boot::MemoryRange& range : map.first(count)) range.kind = boot::MemoryKind::Unusable;
    }
    done = end;
    return count;
}

void map_memory(std::span<boot::MemoryRange> map)
{
    for (u64 done = mib; !map.empty();) map = map.subspan(map_neighbours(map, done));
}

void map_image_part(char const* start, char const* end, Access access)
{
    Hfn const frame = frame_of(arch::physical_address(start));
    u64 const count = pages_for(static_cast<u64>(end - start));
    if (!map_range(tables(), {page_of(reinterpret_cast<u64>(start)), frame, count, access, MemoryType::WriteBack}, 0))
        panic("no table page for the image");
}

void map_image()
{
    constexpr Access read_execute{.read = true, .write = false, .execute = true};
    map_image_part(boot_start, boot_end, read_write_execute);
    map_image_part(text_start, text_end, read_execute);
    map_image_part(rodata_start, rodata_end, read_only);
    map_image_part(data_start, image_end, read_write);
}

void invalidate_page(char const* page) { asm volatile("invlpg (%0)" : : "r"(page) : "memory"); }

void unmap_image_part(char const* start, char const* end)
{
    for (char const* page = start; page < end; page += page_size) {
        if (!tables().unmap(page_of(reinterpret_cast<u64>(page)), 0)) panic("the image is not mapped by pages");
        invalidate_page(page);
    }
}

}

namespace arch {

void volatile* map_device(Hpa where, u64 bytes)
{
    static constinit std::atomic<u64> next{layout::devices};
    u64 const offset = offset_in_page(where);
    u64 const count = pages_for(offset + bytes);
    // A page of distance makes running out of one device's registers a fault, not an access to the next.
    u64 const start = next.fetch_add((count + 1) << page_shift);
    if (start - layout::devices > layout::devices_bytes - (count << page_shift)) return nullptr;
    LockGuard const guard{tables_lock};
    if (!map_range(tables(), {page_of(start), frame_of(where), count, read_write, MemoryType::Uncacheable}, 0))
        return nullptr;
    return reinterpret_cast<void volatile*>(start + offset);
}

void* reach(Hpa where) { return reinterpret_cast<void*>(layout::direct_map + where.raw()); }

Hpa physical_address(void const* pointer)
{
    u64 const address = reinterpret_cast<u64>(pointer);
    return Hpa{address - (address >= layout::image ? layout::image : layout::direct_map)};
}

}

namespace host_address_space {

extern "C" char const early_page_tables[]; // boot/multiboot.S

Hpa early_root() { return arch::physical_address(early_page_tables); }

void build(std::span<boot::MemoryRange> map)
{
    if (!tables().initialize()) panic("no page for the root of the page tables");
    map_image();
    map_low_memory();
    map_memory(map);
    activate();
    pool_only = false;
    log_debug("host page tables: {} pages", tables().table_pages());
}

void activate() { write_cr3(Cr3{tables().root().raw()}); }

void release_boot_memory(void (*release)(Hpa start, u64 bytes))
{
    struct Part {
        char const *start, *end;
    };
    for (Part const part : {Part{boot_start, boot_end}, Part{boot_bss_start, boot_bss_end}}) {
        unmap_image_part(part.start, part.end);
        release(arch::physical_address(part.start), static_cast<u64>(part.end - part.start));
    }
}

}
}
