// SPDX-License-Identifier: MIT
/// The devices of the control domain: the machine's own, reached through what Hospes puts in front of them.
#pragma once

#include <optional>
#include <span>

#include "arch/x86_64/platform/dom0_ports.hpp"
#include "drivers/pci/device.hpp"

namespace hospes {
class Domain;
}

namespace hospes::arch {

struct Dom0DeviceOptions {
    std::span<PortRange const> kept_ports;        ///< the hypervisor's own: its UART, the PM timer
    std::span<pci::FunctionAddress const> hidden; ///< PCI functions that Hospes keeps
};

/// Gives `domain` the I/O ports, virtual I/O APICs for all of irq::topology(), and PCI. Once, after the domain's vCPUs
/// exist and pci::initialize_config_access(), before it runs. OutOfMemory, NoSpace.
[[nodiscard]] Expected<> give_devices(Domain& domain, Dom0DeviceOptions const& options);

}
