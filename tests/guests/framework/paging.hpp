// SPDX-License-Identifier: MIT
/// A window of 512 small pages at 4 GiB, above the identity map, for tests that need special mappings.
/// Everything between its end and the upper half is unmapped.
#pragma once

#include "kernel/lib/integers.hpp"

namespace hospes::test {

/// Page-table entry bits (SDM vol. 3, 4.5).
inline constexpr u64 page_present = 1u << 0, page_writable = 1u << 1, page_user = 1u << 2;

inline constexpr u32 window_slots = 512;

/// Maps frame `gfn` into slot `slot` with these flags (0 unmaps) and returns its address.
u8* map_window(u32 slot, u64 gfn, u64 flags);

/// Addresses with nothing behind them, to be refused: unmapped low and high, non-canonical, wrapping, device memory.
inline constexpr u64 unmapped_address = 0x1'8000'0000;
inline constexpr u64 bad_addresses[] = {
    unmapped_address,      0xffff'8000'0000'0000, 0x0000'8000'0000'0000, 0xffff'7fff'ffff'fff8,
    0x8000'0000'0000'0000, 0xffff'ffff'ffff'f000, 0xffff'ffff'ffff'ffff, 0xfee0'0000,
};

}
