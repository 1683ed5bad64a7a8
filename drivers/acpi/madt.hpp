// SPDX-License-Identifier: MIT
/// The MADT as facts: which processors there are and how interrupts reach them.
#pragma once

#include "drivers/acpi/parse.hpp"
#include "kernel/lib/error.hpp"

namespace hospes::acpi {

struct Processor {
    u32 apic_id = 0;
    u32 uid = 0;             ///< what the DSDT calls it
    bool is_enabled = false; ///< false: could be added while running
};

struct Madt {
    Hpa local_apic{};
    bool has_legacy_pics = false;
    StaticVector<Processor, 256> processors;
    StaticVector<MadtIoApic, 16> io_apics;                 ///< as the firmware wrote them
    StaticVector<MadtSourceOverride, 32> source_overrides; ///< as the firmware wrote them
};

/// Errors: NotFound if there is no MADT, Invalid if its records do not fit together (logged).
[[nodiscard]] Expected<Madt> parse_madt(Tables const& tables);

}
