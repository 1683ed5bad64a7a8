// SPDX-License-Identifier: MIT
/// The ACPI tables that dom0 finds in place of the firmware's: a root pointer and a root table of its own, a MADT that
/// describes its virtual CPUs, and the firmware's tables as far as they concern what dom0 owns.
///
///   RSDP ──▶ XSDT ──▶ MADT (new)        one x2APIC record a vCPU, the host's I/O APICs and overrides
///                └──▶ FADT, SSDT, MCFG … the firmware's, where they are
///
/// What is left out belongs to Hospes: DMAR and IVRS (IOMMUs), HPET, SPCR (serial line), SRAT and SLIT (host topology).
#pragma once

#include <span>

#include "boot/boot_info.hpp"
#include "drivers/acpi/madt.hpp"

namespace hospes::dom0 {

struct AcpiSource {
    acpi::Tables const& tables;
    acpi::Madt const& madt;
    std::span<boot::MemoryRange const> host_map;
    u32 vcpus = 1;
};

/// Room that write_acpi_tables() needs.
[[nodiscard]] u64 acpi_tables_bytes(AcpiSource const& source);

/// Fills `chunk`, which dom0 will see at `where`; all of it is overwritten. Returns where the root pointer is.
/// NoSpace if the chunk is too small; NotFound if the firmware has no root pointer.
[[nodiscard]] Expected<Gpa> write_acpi_tables(std::span<u8> chunk, Gpa where, AcpiSource const& source);

}
