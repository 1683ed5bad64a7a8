// SPDX-License-Identifier: MIT
/// The DMAR as facts: Intel's IOMMUs ("DMA remapping units") and the memory that firmware demands for devices.
/// (Intel Virtualization Technology for Directed I/O, revision 4.1, chapter 8)
#pragma once

#include "drivers/acpi/io_virtualization.hpp"
#include "drivers/acpi/parse.hpp"

namespace hospes::acpi {

/// A device as the firmware names it: the way from a bus down through bridges.
struct DevicePath {
    struct Step {
        u8 device = 0;
        u8 function = 0;
    };
    u8 start_bus = 0;
    StaticVector<Step, 8> steps; ///< at least one
};

/// An I/O APIC, by its id in the MADT, and the function whose requester id its interrupts carry.
struct IoApicScope {
    u8 id = 0;
    DevicePath path;
};

struct DmarUnit {
    Hpa registers{};
    bool includes_all = false; ///< all devices that no other unit lists
    StaticVector<IoApicScope, 8> io_apics;
};

/// If no unit includes all other devices, `devices` must cover every function there is; who knows them has to check.
struct Dmar {
    unsigned address_bits = 0; ///< of the machine's memory
    bool remaps_interrupts = false;
    bool x2apic_opt_out = false;
    StaticVector<DmarUnit, 16> units;
    StaticVector<DevicePath, 128> devices; ///< what units list by name: functions, and bridges with all behind them
    DemandedRegions regions;
};

/// A unit's registers take one page at least; more may follow, as the unit's own capabilities say.
inline constexpr u64 dmar_register_bytes = page_size;

/// `memory_map` is the firmware's, sorted. Any lie makes the whole table unusable. Only PCI segment 0 is handled.
[[nodiscard]] Judged<Dmar> parse_dmar(Tables const& tables, std::span<boot::MemoryRange const> memory_map);

}
