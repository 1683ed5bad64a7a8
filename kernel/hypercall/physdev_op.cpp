// SPDX-License-Identifier: MIT
/// physdev_op(command, argument): the control domain tells what it found on the PCI buses.
/// (xen/include/public/physdev.h; abi.md 3.9.)
#include "kernel/abi/xen/physdev.hpp"
#include "kernel/domain/domain.hpp"
#include "kernel/hypercall/guest_memory.hpp"
#include "kernel/hypercall/table.hpp"
#include "kernel/vpci/virtual_pci.hpp"

namespace hospes {

namespace {

using Handler = Expected<u64> (*)(Vcpu& caller, u64 argument);

constexpr Expected<u64> done(Expected<> const& result)
{
    if (!result) return failure(result.error());
    return 0;
}

/// A firmware table may claim a window that the firmware does not keep free: then it is not one.
Expected<u64> pci_mmcfg_reserved(Vcpu& caller, u64 argument)
{
    auto const window = copy_in(caller, claim_of<xen::PhysdevPciMmcfgReserved>(argument));
    if (!window) return failure(window.error());
    constexpr u64 end_of_physical_addresses = u64{1} << 52;
    vpci::VirtualPci* const pci = vpci::control_domain_pci();
    if (!pci) return failure(Error::NoSuchDevice);
    if (window->flags & ~xen::mmcfg_flag::reserved) return failure(Error::Invalid);
    if (window->end_bus < window->start_bus || window->address % mib != 0 ||
        window->address >= end_of_physical_addresses)
        return failure(Error::Invalid);
    if ((window->flags & xen::mmcfg_flag::reserved) == 0) return 0;
    return done(pci->add_window({.start = Gpa{window->address + window->start_bus * mib},
                                 .segment = window->segment,
                                 .first_bus = window->start_bus,
                                 .last_bus = window->end_bus}));
}

/// Functions are known by their first access; this finds one that nobody has touched yet.
Expected<u64> pci_device_add(Vcpu& caller, u64 argument)
{
    auto const device = copy_in(caller, claim_of<xen::PhysdevPciDeviceAdd>(argument));
    if (!device) return failure(device.error());
    vpci::VirtualPci* const pci = vpci::control_domain_pci();
    if (!pci) return failure(Error::NoSuchDevice);
    // A virtual function is found through the one that made it.
    if ((device->flags & xen::pci_device_flag::virtual_function) != 0)
        if (auto const known = pci->add({.segment = device->segment,
                                         .bus = device->physical_function_bus,
                                         .devfn = device->physical_function_devfn});
            !known)
            return failure(known.error());
    return done(pci->add({.segment = device->segment, .bus = device->bus, .devfn = device->devfn}));
}

Expected<u64> pci_device_remove(Vcpu& caller, u64 argument)
{
    auto const device = copy_in(caller, claim_of<xen::PhysdevPciDevice>(argument));
    if (!device) return failure(device.error());
    vpci::VirtualPci* const pci = vpci::control_domain_pci();
    if (!pci) return failure(Error::NoSuchDevice);
    return done(pci->remove({.segment = device->segment, .bus = device->bus, .devfn = device->devfn}));
}

/// A USB debug port's controller is about to be reset, or was: Hospes drives none.
Expected<u64> debug_port_op(Vcpu&, u64) { return 0; }

struct Row {
    xen::PhysdevCommand command;
    Handler handler;
};

/// The rest is about interrupts as event channels, which a PVH control domain does not use.
constexpr std::array rows{
    Row{xen::PhysdevCommand::PciMmcfgReserved, pci_mmcfg_reserved},
    Row{xen::PhysdevCommand::PciDeviceAdd, pci_device_add},
    Row{xen::PhysdevCommand::PciDeviceRemove, pci_device_remove},
    Row{xen::PhysdevCommand::DebugPortOp, debug_port_op},
};

}

Expected<u64> physdev_op(Vcpu& caller, HypercallArguments& arguments)
{
    for (Row const& row : rows)
        if (arguments[0] == static_cast<u64>(row.command)) return row.handler(caller, arguments[1]);
    return failure(Error::NotImplemented);
}

}
