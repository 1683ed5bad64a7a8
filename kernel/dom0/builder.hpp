// SPDX-License-Identifier: MIT
/// Builds the control domain: a stock kernel, on memory where guest-physical is host-physical.
///
///   1. copy the modules out of the way, unpack the kernel          staging, kernel_image
///   2. find out which memory dom0 can have, decide on its map      memory_claim, memory_budget, memory_map
///   3. decide where everything goes                                layout
///   4. take the memory and map it                                  memory_claim, pass_through
///   5. write kernel, initrd, ACPI tables, start information        kernel_image, acpi_tables, start_info
///   6. set the first vCPU's registers
///
/// A machine or a module that cannot be used ends the boot with a message that names it and the remedy.
#pragma once

#include "boot/boot_info.hpp"
#include "drivers/acpi/madt.hpp"
#include "drivers/acpi/mcfg.hpp"
#include "kernel/options/options.hpp"

namespace hospes {
class Domain;
}

namespace hospes::dom0 {

struct BuildRequest {
    boot::BootInfo const& boot;
    Options const& options;
    acpi::Tables const* tables = nullptr; ///< null: a machine without ACPI
    acpi::Madt const* madt = nullptr;
    acpi::ConfigurationWindows const* configuration_windows = nullptr;
    u32 vcpus = 1;
    unsigned physical_address_bits = 36; ///< CPUID leaf 0x8000'0008, EAX[7:0]
    bool dma_is_protected = false;       ///< an IOMMU translates what dom0's devices ask for
};

/// Returns dom0, on the list of domains, its vCPU 0 ready to start, still paused: unpause() it when all else is ready.
/// While booting, before frames::booting_is_over(). No lock may be held.
[[nodiscard]] Domain& build(BuildRequest const& request);

}
