// SPDX-License-Identifier: MIT
/// What DMAR (Intel) and IVRS (AMD) have in common: how the firmware's claims about IOMMUs are judged.
#pragma once

#include <expected>
#include <span>
#include <string_view>

#include "boot/boot_info.hpp"
#include "kernel/lib/static_vector.hpp"

namespace hospes::acpi {

/// Why the machine's IOMMUs cannot be used. A table that lies in one place is not believed in any other.
struct Flaw {
    std::string_view why;
    u64 detail = 0;         ///< the number that cannot be
    bool is_absent = false; ///< there is no such table: nothing is wrong
};

template <typename T>
using Judged = std::expected<T, Flaw>;

[[nodiscard]] inline std::unexpected<Flaw> broken(std::string_view why, u64 detail = 0)
{
    return std::unexpected{Flaw{why, detail}};
}
[[nodiscard]] inline std::unexpected<Flaw> absent(std::string_view why) { return std::unexpected{Flaw{why, 0, true}}; }

/// Memory that the firmware lets devices use behind our back: RMRR, IVMD. Whole frames.
struct DemandedRegion {
    Hpa start{};
    u64 bytes = 0;
    [[nodiscard]] constexpr Hpa end() const { return start + bytes; }
};
using DemandedRegions = StaticVector<DemandedRegion, 64>;

/// Adds the region `first`..`last`, if firmware may demand it: it must not lie in RAM that is free to use.
[[nodiscard]] Judged<void> add_demanded_region(DemandedRegions& regions, u64 first, u64 last,
                                               std::span<boot::MemoryRange const> memory_map);

/// Can an IOMMU's registers, `bytes` of them, lie there? Not in RAM, not at 0, not beyond what can be addressed.
[[nodiscard]] Judged<void> check_registers(u64 base, u64 bytes, std::span<boot::MemoryRange const> memory_map);

/// x86 CPUs and IOMMUs address 32 to 52 bits, or this is no such number.
[[nodiscard]] constexpr bool is_address_width(u64 bits) { return bits >= 32 && bits <= 64; }

}
