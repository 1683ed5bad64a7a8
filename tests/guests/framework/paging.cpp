// SPDX-License-Identifier: MIT
/// The window's page directory and page table.

#include "tests/guests/framework/paging.hpp"

#include "kernel/lib/address.hpp"
#include "tests/guests/framework/cpu.hpp"
#include "tests/guests/framework/memory.hpp"

namespace hospes::test {
namespace {

constexpr u64 window_base = 4 * gib;
constexpr u64 window_pointer_index = window_base / gib;
constexpr u64 all_rights = page_present | page_writable | page_user;

constinit u64* table = nullptr;

u64* next_table(u64 entry) { return reinterpret_cast<u64*>(entry & ~page_mask); }

void make_window()
{
    auto* directory = reinterpret_cast<u64*>(allocate_pages());
    table = reinterpret_cast<u64*>(allocate_pages());
    directory[0] = reinterpret_cast<u64>(table) | all_rights;
    auto* pointers = next_table(*next_table(read_cr3()));
    pointers[window_pointer_index] = reinterpret_cast<u64>(directory) | all_rights;
}

}

u8* map_window(u32 slot, u64 gfn, u64 flags)
{
    if (table == nullptr) make_window();
    auto* where = reinterpret_cast<u8*>(window_base + slot * page_size);
    table[slot] = (gfn << page_shift) | flags;
    asm volatile("invlpg (%0)" : : "r"(where) : "memory");
    return where;
}

}
