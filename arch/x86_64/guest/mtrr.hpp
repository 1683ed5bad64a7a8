// SPDX-License-Identifier: MIT
/// A vCPU's memory type range registers: kept and shown, without effect. The second stage decides about types.
#pragma once

#include <array>

#include "kernel/lib/integers.hpp"

namespace hospes::arch {

/// Numbers of the registers. (SDM vol. 3, table 12-7 and section 12.11.2)
namespace memory_type_msr {
inline constexpr u32 capability = 0x0fe;
inline constexpr u32 first_variable = 0x200;
inline constexpr std::array<u32, 11> fixed{0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f};
inline constexpr u32 default_type = 0x2ff;
}

struct MemoryTypeRanges {
    static constexpr u32 variable_count = 8;
    /// Fixed ranges and write-combining exist. (SDM vol. 3, 12.11.1)
    static constexpr u64 capability = variable_count | 1 << 8 | 1 << 10;

    std::array<u64, 2 * variable_count> variable{}; ///< base, mask, base, mask, …
    std::array<u64, memory_type_msr::fixed.size()> fixed{};
    u64 default_type = 0;
};

/// As the firmware left them on this CPU, for dom0: where MTRRs are off Linux does without the page attribute table,
/// too, and its screen gets slow. All off if there are more than a guest can be shown: half a map would be a lie.
/// Read once, when the first vCPU of dom0 is made: only the boot CPU runs then.
[[nodiscard]] MemoryTypeRanges const& memory_types_of_machine();

/// (SDM vol. 3, table 12-8)
[[nodiscard]] constexpr bool is_memory_type(u64 type) { return type == 0 || type == 1 || (type >= 4 && type <= 6); }

/// A fixed-range register holds eight types.
[[nodiscard]] constexpr bool are_memory_types(u64 value)
{
    for (unsigned i = 0; i < 8; ++i, value >>= 8)
        if (!is_memory_type(value & 0xff)) return false;
    return true;
}

/// Power-on value of the page attribute table. (SDM vol. 3, 12.12.4)
inline constexpr u64 initial_pat = 0x0007'0406'0007'0406;

/// Each byte a type that exists in a PAT. (SDM vol. 3, table 12-10)
[[nodiscard]] constexpr bool is_legal_pat(u64 value)
{
    for (unsigned i = 0; i < 8; ++i, value >>= 8) {
        u64 const type = value & 0xff;
        if (type > 7 || type == 2 || type == 3) return false;
    }
    return true;
}

}
