// SPDX-License-Identifier: MIT
/// The interrupt hardware as the firmware lists it (ACPI MADT), free of ACPI's own encodings.
#pragma once

#include "kernel/arch/cpu.hpp"
#include "kernel/lib/address.hpp"
#include "kernel/lib/static_vector.hpp"

namespace hospes {

/// How an interrupt line signals. The values are those of an IOAPIC redirection entry.
enum class TriggerMode : u8 { Edge = 0, Level = 1 };
enum class Polarity : u8 { ActiveHigh = 0, ActiveLow = 1 };

struct InterruptTopology {
    static constexpr size_t max_io_apics = 16;
    static constexpr size_t max_overrides = 16;

    struct IoApicRecord {
        u8 id = 0;
        Hpa address{};
        u32 gsi_base = 0;
    };
    /// An ISA interrupt that does not arrive at the GSI of the same number, edge-triggered and active high.
    struct SourceOverride {
        u8 isa_irq = 0;
        u32 gsi = 0;
        TriggerMode trigger = TriggerMode::Edge;
        Polarity polarity = Polarity::ActiveHigh;
    };

    Hpa local_apic{0xfee0'0000};                ///< xAPIC registers, if the CPU is not in x2APIC mode
    StaticVector<u32, arch::max_cpus> apic_ids; ///< usable CPUs, in the firmware's order, the booting one included
    StaticVector<IoApicRecord, max_io_apics> io_apics;
    StaticVector<SourceOverride, max_overrides> overrides;
};

}
