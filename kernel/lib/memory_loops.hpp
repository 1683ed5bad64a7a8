// SPDX-License-Identifier: MIT
/// The loops behind memcpy and its siblings, under names of their own so that host tests can run them.
/// Words of eight bytes wherever both ends allow it: no vector registers, those belong to the guests.
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes::memory_loops {

/// A word that may alias anything and need not be aligned.
using Word [[gnu::may_alias, gnu::aligned(1)]] = u64;

inline void copy_forward(void* to, void const* from, size_t bytes)
{
    u8* target = static_cast<u8*>(to);
    u8 const* source = static_cast<u8 const*>(from);
    for (; bytes >= sizeof(u64); bytes -= sizeof(u64), target += sizeof(u64), source += sizeof(u64))
        *reinterpret_cast<Word*>(target) = *reinterpret_cast<Word const*>(source);
    for (; bytes != 0; --bytes) *target++ = *source++;
}

inline void copy_backward(void* to, void const* from, size_t bytes)
{
    u8* target = static_cast<u8*>(to);
    u8 const* source = static_cast<u8 const*>(from);
    for (; bytes >= sizeof(u64); bytes -= sizeof(u64))
        *reinterpret_cast<Word*>(target + bytes - sizeof(u64)) =
            *reinterpret_cast<Word const*>(source + bytes - sizeof(u64));
    while (bytes-- != 0) target[bytes] = source[bytes];
}

/// The two may overlap.
inline void move(void* to, void const* from, size_t bytes)
{
    bool const forward_is_safe = reinterpret_cast<u64>(to) - reinterpret_cast<u64>(from) >= bytes;
    forward_is_safe ? copy_forward(to, from, bytes) : copy_backward(to, from, bytes);
}

inline void fill(void* to, u8 value, size_t bytes)
{
    u8* target = static_cast<u8*>(to);
    u64 const word = value * u64{0x0101'0101'0101'0101};
    for (; bytes >= sizeof(u64); bytes -= sizeof(u64), target += sizeof(u64)) *reinterpret_cast<Word*>(target) = word;
    for (; bytes != 0; --bytes) *target++ = value;
}

[[nodiscard]] inline int compare(void const* left, void const* right, size_t bytes)
{
    u8 const* a = static_cast<u8 const*>(left);
    u8 const* b = static_cast<u8 const*>(right);
    for (; bytes >= sizeof(u64); bytes -= sizeof(u64), a += sizeof(u64), b += sizeof(u64))
        if (*reinterpret_cast<Word const*>(a) != *reinterpret_cast<Word const*>(b)) break;
    for (; bytes != 0; --bytes, ++a, ++b)
        if (*a != *b) return *a - *b;
    return 0;
}

}
