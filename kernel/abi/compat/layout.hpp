// SPDX-License-Identifier: MIT
/// How a structure of the ABI lies in a 32-bit caller's memory, where that differs from what handlers know. A layout
/// lists its members in order; where each of them is, on both sides, follows from the rules of C compilers: an unsigned
/// long and a pointer have 4 bytes for the caller, and nothing is aligned to more than that.
#pragma once

#include <algorithm>
#include <array>
#include <initializer_list>

#include "kernel/abi/xen/types.hpp"

namespace hospes::compat {

struct Layout;

enum class MemberKind : u8 {
    Plain,   ///< the same for both, but for its place
    Long,    ///< unsigned long, or so many of them
    Pointer, ///< to something that is the same for both, or never looked at
    Array,   ///< a pointer to an array of structures that differ
};

/// One member. Wide is what handlers know, narrow what the caller has.
struct Member {
    MemberKind kind = MemberKind::Plain;
    u8 wide_bytes = 0;
    u8 narrow_bytes = 0;
    u8 wide_alignment = 1;
    u8 narrow_alignment = 1;
    Layout const* elements = nullptr; ///< of an Array
    u8 wide_at = 0;
    u8 narrow_at = 0;
};

/// The most there is room for.
inline constexpr size_t most_members = 12;
inline constexpr size_t most_wide_bytes = 64;

struct Layout {
    std::array<Member, most_members> members{};
    u8 count = 0;
    u8 wide_bytes = 0;
    u8 narrow_bytes = 0;
};

inline constexpr u8 wide_long = 8;
inline constexpr u8 narrow_long = 4;

/// A T, or so many of them: the same for both, but that nothing is aligned to 8 bytes for the caller.
template <typename T, u8 count = 1>
inline constexpr Member plain{.wide_bytes = sizeof(T) * count,
                              .narrow_bytes = sizeof(T) * count,
                              .wide_alignment = sizeof(T),
                              .narrow_alignment = std::min<u8>(sizeof(T), narrow_long)};

[[nodiscard]] consteval Member longs(u8 count)
{
    return {.kind = MemberKind::Long,
            .wide_bytes = static_cast<u8>(wide_long * count),
            .narrow_bytes = static_cast<u8>(narrow_long * count),
            .wide_alignment = wide_long,
            .narrow_alignment = narrow_long};
}
inline constexpr Member unsigned_long = longs(1);

inline constexpr Member pointer{.kind = MemberKind::Pointer,
                                .wide_bytes = wide_long,
                                .narrow_bytes = narrow_long,
                                .wide_alignment = wide_long,
                                .narrow_alignment = narrow_long};
[[nodiscard]] consteval Member array_of(Layout const& elements)
{
    Member member = pointer;
    member.kind = MemberKind::Array;
    member.elements = &elements;
    return member;
}

/// Nothing itself; the next member is aligned like a structure that begins there.
inline constexpr Member structure_boundary{.wide_alignment = wide_long, .narrow_alignment = narrow_long};
/// Bytes that only the caller's form has, as behind the pointer in a union that something larger is in as well.
[[nodiscard]] consteval Member narrow_padding(u8 bytes) { return {.narrow_bytes = bytes}; }

/// A mistake in a layout calls this, which cannot be done at compile time: it does not compile.
inline void the_layout_is_not_the_structures() {}

/// The layout of T, whose members are these.
template <typename T>
[[nodiscard]] consteval Layout layout(std::initializer_list<Member> members)
{
    Layout result;
    size_t wide = 0;
    size_t narrow = 0;
    size_t wide_alignment = 1;
    size_t narrow_alignment = 1;
    auto const align = [](size_t position, size_t to) { return (position + to - 1) / to * to; };
    for (Member member : members) {
        wide = align(wide, member.wide_alignment);
        narrow = align(narrow, member.narrow_alignment);
        member.wide_at = static_cast<u8>(wide);
        member.narrow_at = static_cast<u8>(narrow);
        result.members[result.count++] = member;
        wide += member.wide_bytes;
        narrow += member.narrow_bytes;
        wide_alignment = std::max<size_t>(wide_alignment, member.wide_alignment);
        narrow_alignment = std::max<size_t>(narrow_alignment, member.narrow_alignment);
    }
    result.wide_bytes = static_cast<u8>(align(wide, wide_alignment));
    result.narrow_bytes = static_cast<u8>(align(narrow, narrow_alignment));
    if (result.wide_bytes != sizeof(T) || sizeof(T) > most_wide_bytes) the_layout_is_not_the_structures();
    return result;
}

}
