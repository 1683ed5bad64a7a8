// SPDX-License-Identifier: MIT
/// dom0's view of everything that is no RAM: firmware memory is mapped when dom0 is built, device registers when they
/// are first touched, both at their own addresses.
///
/// Mapping on demand needs no knowledge of who placed a device where: firmware, dom0's PCI code, or a driver that knows
/// its chipset. What Hospes emulates (local and I/O APICs, PCI Express configuration space, MSI-X tables, IOMMUs) is
/// excluded and keeps trapping.
#pragma once

#include <span>

#include "boot/boot_info.hpp"
#include "drivers/acpi/madt.hpp"
#include "drivers/acpi/mcfg.hpp"

namespace hospes {
class Domain;
}

namespace hospes::dom0 {

/// Before dom0 is built. TooBig if the host's memory map is absurdly long.
[[nodiscard]] Expected<> prepare_pass_through(std::span<boot::MemoryRange const> host, unsigned physical_address_bits,
                                              acpi::Madt const* madt, acpi::ConfigurationWindows const* windows);

/// Maps what the firmware keeps for itself, and all of the first MiB that is no RAM. OutOfMemory.
[[nodiscard]] Expected<> map_firmware_memory(Domain& domain, std::span<boot::MemoryRange const> host);

/// dom0 touched a guest-physical address that is not mapped. True: it is now (device registers, uncacheable), run the
/// instruction again. False: emulate it, or answer as an empty bus does. Takes LockRank::DomainControl.
[[nodiscard]] bool map_on_demand(Gpa where);

/// Are all of these bytes device registers that dom0 may use, and that do not trap? Takes LockRank::DomainControl.
[[nodiscard]] bool is_device_memory(Gpa where, u64 bytes);

/// From now on accesses to these frames trap (an MSI-X table was placed there, an IOMMU was found). Flushes.
/// NoSpace if too many such places exist. Takes LockRank::DomainControl; no lock may be held.
[[nodiscard]] Expected<> keep_trapped(Gpa where, u64 bytes);

}
