# SPDX-License-Identifier: MIT
"""PCI functions as dom0 and the hypervisor see them, each named (bus, device, function)."""
import re


def address_of(bus, device, function):
    """From the hexadecimal words that both print."""
    return int(bus, 16), int(device, 16), int(function)


def named(name):
    """From dom0's name for a function, such as 0000:01:00.0."""
    return address_of(*re.split("[:.]", name)[1:])


def functions(dom0):
    """The functions dom0 knows."""
    return {named(name) for name in dom0.check("ls /sys/bus/pci/devices").split()}


def interrupts(dom0):
    """Which vectors may be raised, as the hypervisor says, and by which function."""
    dom0.check("xl dmesg -c >/dev/null; xl debug-keys V")
    said = re.findall(r"interrupt 0x(\w+): PCI 0x(\w+):0x(\w+)\.(\d)", dom0.check("xl dmesg"))
    return {int(vector, 16): address_of(*place) for vector, *place in said}
