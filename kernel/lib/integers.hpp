// SPDX-License-Identifier: MIT
/// The integer types every other file uses, and nothing else.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hospes {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using s8 = std::int8_t;
using s16 = std::int16_t;
using s32 = std::int32_t;
using s64 = std::int64_t;
using std::size_t;
#ifdef __SIZEOF_INT128__ // not where code for 32 bits is compiled, as tests do
__extension__ using u128 = unsigned __int128;
#endif

inline constexpr u64 kib = 1024;
inline constexpr u64 mib = 1024 * kib;
inline constexpr u64 gib = 1024 * mib;

}
