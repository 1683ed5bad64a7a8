// SPDX-License-Identifier: MIT
/// The guest's own page tables, walked in software: 2, 3, 4 or 5 levels, or none.
/// Who accesses says whose rights count; NX, SMEP and protection keys do not. (SDM vol. 3, chapter 4; abi.md 2.4)
#pragma once

#include <array>
#include <concepts>

#include "arch/x86_64/cpu/control_registers.hpp"
#include "arch/x86_64/guest/vcpu_backend.hpp"

namespace hospes::arch {

/// How the guest's table memory is reached.
template <typename M>
concept TableEntries = requires(M memory, Gpa where, unsigned bytes, u64 value) {
    { memory.read_entry(where, bytes) } -> std::same_as<Expected<u64>>; // 4 or 8 bytes, aligned
    { memory.mark(where, bytes, value, value) }; // sets bits in an entry, if it still is what was read
};

namespace guest_entry {
inline constexpr u64 present = 1 << 0;
inline constexpr u64 writable = 1 << 1;
inline constexpr u64 user = 1 << 2;
inline constexpr u64 accessed = 1 << 5;
inline constexpr u64 dirty = 1 << 6;
inline constexpr u64 large = 1 << 7;
inline constexpr u64 frame = 0x000f'ffff'ffff'f000;
}

/// One kind of paging.
struct PagingShape {
    unsigned levels;
    unsigned index_bits;
    unsigned entry_bytes;
    unsigned largest_leaf_level; ///< level 0 holds 4 KiB pages

    [[nodiscard]] constexpr bool is_long() const { return levels > 3; }
    constexpr bool operator==(PagingShape const&) const = default;
};
inline constexpr PagingShape legacy_paging{2, 10, 4, 1};
inline constexpr PagingShape pae_paging{3, 9, 8, 1};
inline constexpr PagingShape long_paging{4, 9, 8, 2};
inline constexpr PagingShape long_paging_5{5, 9, 8, 2};

[[nodiscard]] constexpr PagingShape const& paging_shape(ControlRegisters const& controls)
{
    Cr4 const cr4{controls.cr4};
    if (!cr4.get<Cr4::PhysicalAddressExtension>()) return legacy_paging;
    if (!Efer{controls.efer}.get<Efer::LongModeActive>()) return pae_paging;
    return cr4.get<Cr4::LinearAddress57>() ? long_paging_5 : long_paging;
}

[[nodiscard]] constexpr bool is_long_mode(ControlRegisters const& controls)
{
    return Efer{controls.efer}.get<Efer::LongModeActive>();
}

/// What an instruction's linear address is. Outside long mode it has 32 bits: beyond 4 GiB it goes on at 0.
[[nodiscard]] constexpr Gva wrapped(ControlRegisters const& controls, Gva linear)
{
    return is_long_mode(controls) ? linear : Gva{linear.raw() % end_of_short_addresses};
}

[[nodiscard]] constexpr bool is_canonical(u64 address, unsigned bits)
{
    unsigned const unused = 64 - bits;
    return static_cast<u64>(static_cast<s64>(address << unused) >> unused) == address;
}

/// Where a walk starts: PAE's first table is 32 bytes large and so aligned. (SDM vol. 3, table 4-7)
[[nodiscard]] constexpr Gpa paging_root(PagingShape const& shape, u64 cr3)
{
    constexpr u64 pae_root = 0xffff'ffe0;
    constexpr u64 legacy_root = 0xffff'f000;
    if (shape == pae_paging) return Gpa{cr3 & pae_root};
    return Gpa{cr3 & (shape == legacy_paging ? legacy_root : guest_entry::frame)};
}

/// The page that a leaf maps. Legacy 4 MiB pages keep address bits 39..32 in bits 20..13. (SDM vol. 3, table 4-4)
[[nodiscard]] constexpr u64 leaf_base(PagingShape const& shape, u64 entry, unsigned level)
{
    u64 const size = page_size << (shape.index_bits * level);
    u64 const base = entry & guest_entry::frame & ~(size - 1);
    if (shape != legacy_paging || level == 0) return base & guest_entry::frame;
    return (entry & 0xffc0'0000) | (entry >> 13 & 0xff) << 32;
}

/// Whose access it is. The default is the supervisor's, to whom SMAP does not apply.
struct GuestAccess {
    bool write = false;
    bool user = false;              ///< code at CPL 3
    bool avoids_user_pages = false; ///< the supervisor, where SMAP holds
};

/// What one walk is about.
struct GuestWalk {
    u64 address;
    bool write;
    bool avoids_user_pages;
    bool large_allowed;
    u64 required; ///< bits that the entries of every table must have
};

/// From the table of one level down to the page. Each level of each kind of paging is code of its own, in which nothing
/// about the kind is left to be decided: hypercalls come through here.
/// `permissions`: the bits that all entries above have.
template <PagingShape shape, unsigned level, TableEntries Memory>
[[nodiscard]] Expected<Gpa> descend(Memory& memory, GuestWalk const& walk, Gpa table, u64 permissions)
{
    constexpr unsigned shift = page_shift + level * shape.index_bits;
    constexpr bool is_pae_root = shape == pae_paging && level == 2; // its entries have no permissions
    constexpr bool can_be_large = level != 0 && level <= shape.largest_leaf_level && !is_pae_root;
    u64 const index = walk.address >> shift & ((u64{1} << shape.index_bits) - 1);
    Gpa const slot = table + index * shape.entry_bytes;
    auto const entry = memory.read_entry(slot, shape.entry_bytes);
    u64 const required = is_pae_root ? guest_entry::present : walk.required;
    if (!entry || (*entry & required) != required) return failure(Error::BadAddress);
    if constexpr (!is_pae_root) permissions &= *entry;
    bool const is_leaf = level == 0 || (can_be_large && walk.large_allowed && (*entry & guest_entry::large) != 0);
    u64 const wanted = guest_entry::accessed | (is_leaf && walk.write ? guest_entry::dirty : 0);
    if (!is_pae_root && (*entry & wanted) != wanted) memory.mark(slot, shape.entry_bytes, *entry, wanted);
    if constexpr (level != 0)
        if (!is_leaf) return descend<shape, level - 1>(memory, walk, Gpa{*entry & guest_entry::frame}, permissions);
    if (walk.avoids_user_pages && (permissions & guest_entry::user) != 0) return failure(Error::BadAddress);
    return Gpa{leaf_base(shape, *entry, level) | (walk.address & ((u64{1} << shift) - 1))};
}

template <PagingShape shape, TableEntries Memory>
[[nodiscard]] Expected<Gpa> walk_tables_of(Memory& memory, ControlRegisters const& controls, Gva where,
                                           GuestAccess access)
{
    constexpr unsigned address_bits = page_shift + shape.levels * shape.index_bits;
    if (shape.is_long() && !is_canonical(where.raw(), address_bits)) return failure(Error::BadAddress);
    bool const needs_writable = access.write && (access.user || Cr0{controls.cr0}.get<Cr0::WriteProtect>());
    GuestWalk const walk{
        .address = where.raw(),
        .write = access.write,
        .avoids_user_pages = access.avoids_user_pages,
        .large_allowed = shape != legacy_paging || Cr4{controls.cr4}.get<Cr4::PageSizeExtensions>(),
        .required =
            guest_entry::present | (needs_writable ? guest_entry::writable : 0) | (access.user ? guest_entry::user : 0),
    };
    return descend<shape, shape.levels - 1>(memory, walk, paging_root(shape, controls.cr3), ~u64{0});
}

/// Out of line: most walks are long ones.
template <TableEntries Memory>
[[nodiscard, gnu::noinline]] Expected<Gpa> walk_short_tables(Memory& memory, ControlRegisters const& controls,
                                                             Gva where, GuestAccess access)
{
    if (where.raw() >= end_of_short_addresses) return failure(Error::BadAddress);
    if (!Cr0{controls.cr0}.get<Cr0::Paging>()) return Gpa{where.raw()};
    if (paging_shape(controls) == pae_paging) return walk_tables_of<pae_paging>(memory, controls, where, access);
    return walk_tables_of<legacy_paging>(memory, controls, where, access);
}

/// BadAddress if `where` is not mapped, not canonical, beyond 4 GiB outside long mode, or not for this access. Sets
/// accessed and dirty bits.
template <TableEntries Memory>
[[nodiscard]] Expected<Gpa> walk_guest_tables(Memory& memory, ControlRegisters const& controls, Gva where,
                                              GuestAccess access)
{
    if (!is_long_mode(controls)) return walk_short_tables(memory, controls, where, access);
    if (paging_shape(controls) == long_paging) return walk_tables_of<long_paging>(memory, controls, where, access);
    return walk_tables_of<long_paging_5>(memory, controls, where, access);
}

}
