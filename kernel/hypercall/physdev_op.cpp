// SPDX-License-Identifier: MIT
/// physdev_op(command, argument): the control domain tells what it found on the PCI buses.
/// (xen/include/public/physdev.h; abi.md 3.9.)
#include "kernel/abi/xen/physdev.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/hypercall/command_table.hpp"
#include "kernel/vpci/virtual_pci.hpp"

namespace hospes {

namespace {

/// A firmware table may claim a window that the firmware does not keep free: then it is not one.
Expected<> pci_mmcfg_reserved(Vcpu&, xen::PhysdevPciMmcfgReserved const& window)
{
    vpci::VirtualPci* const pci = vpci::control_domain_pci();
    if (!pci) return failure(Error::NoSuchDevice);
    if (window.flags & ~xen::mmcfg_flag::reserved) return failure(Error::Invalid);
    if (window.end_bus < window.start_bus || window.address % mib != 0 || window.address >= end_of_physical_addresses)
        return failure(Error::Invalid);
    if ((window.flags & xen::mmcfg_flag::reserved) == 0) return {};
    return pci->add_window({.start = Gpa{window.address + window.start_bus * mib},
                            .segment = window.segment,
                            .first_bus = window.start_bus,
                            .last_bus = window.end_bus});
}

/// Functions are known by their first access; this finds one that nobody has touched yet.
Expected<> pci_device_add(Vcpu&, xen::PhysdevPciDeviceAdd const& device)
{
    vpci::VirtualPci* const pci = vpci::control_domain_pci();
    if (!pci) return failure(Error::NoSuchDevice);
    // A virtual function is found through the one that made it.
    if ((device.flags & xen::pci_device_flag::virtual_function) != 0)
        if (auto const known = pci->add({.segment = device.segment,
                                         .bus = device.physical_function_bus,
                                         .devfn = device.physical_function_devfn});
            !known)
            return known;
    return pci->add({.segment = device.segment, .bus = device.bus, .devfn = device.devfn});
}

Expected<> pci_device_remove(Vcpu&, xen::PhysdevPciDevice const& device)
{
    vpci::VirtualPci* const pci = vpci::control_domain_pci();
    if (!pci) return failure(Error::NoSuchDevice);
    return pci->remove({.segment = device.segment, .bus = device.bus, .devfn = device.devfn});
}

/// A USB debug port's controller is about to be reset, or was: Hospes drives none.
Expected<> debug_port_op(Vcpu&) { return {}; }

using enum xen::PhysdevCommand;

/// The rest is about interrupts as event channels, which a PVH control domain does not use.
constexpr std::array rows{
    CommandRow{PciMmcfgReserved, taking<pci_mmcfg_reserved>},
    CommandRow{PciDeviceAdd, taking<pci_device_add>},
    CommandRow{PciDeviceRemove, taking<pci_device_remove>},
    CommandRow{DebugPortOp, plain<debug_port_op>},
};
constexpr auto commands = command_table<rows>();

}

Expected<u64> physdev_op(Vcpu& caller, HypercallArguments& arguments)
{
    return run_command(commands.find(arguments[0]), caller, caller, arguments[1]);
}

}
