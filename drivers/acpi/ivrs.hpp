// SPDX-License-Identifier: MIT
/// The IVRS as facts: AMD's IOMMUs, which requester ids devices use, and the memory that firmware demands for them.
/// (AMD I/O Virtualization Technology Specification, 48882 revision 3.08, section 5.2)
#pragma once

#include "drivers/acpi/io_virtualization.hpp"
#include "drivers/acpi/parse.hpp"

namespace hospes::acpi {

struct IvrsUnit {
    Hpa registers{};
    u16 function = 0;   ///< its own PCI function: bus, device, function
    u16 capability = 0; ///< where its capability block starts in configuration space
    u8 flags = 0;       ///< for its control register

    static constexpr u8 tunnel_translation = 1 << 0;
    static constexpr u8 pass_posted_writes = 1 << 1;
    static constexpr u8 responses_pass_posted_writes = 1 << 2;
    static constexpr u8 isochronous = 1 << 3;
};

/// Interrupts of the I/O APIC with this id in the MADT carry this requester id.
struct IoApicRequester {
    u8 id = 0;
    u16 requester = 0;
};

/// Requests of functions `first`..`last` carry the id of `alias`.
struct AliasRange {
    u16 first = 0;
    u16 last = 0;
    u16 alias = 0;
};

struct Ivrs {
    StaticVector<IvrsUnit, 16> units;
    StaticVector<IoApicRequester, 16> io_apics;
    StaticVector<AliasRange, 64> aliases;
    DemandedRegions regions;

    /// The id that requests of `function` carry.
    [[nodiscard]] u16 requester_of(u16 function) const;
};

inline constexpr u64 ivrs_register_bytes = 16 * kib;

/// As parse_dmar().
[[nodiscard]] Judged<Ivrs> parse_ivrs(Tables const& tables, std::span<boot::MemoryRange const> memory_map);

}
