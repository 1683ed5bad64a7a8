# SPDX-License-Identifier: MIT
"""A device that raises another device's interrupt is refused, and the other one goes on (security.md: XSA-33, 36, 49)."""
import re

import pytest

from functions import interrupts, named
from guests import wait_for
from physical_memory import PhysicalMemory

pytestmark = pytest.mark.slow
CARD, DISK = "0000:00:10.0", "0000:00:11.0"
TABLE_REGION = 3  # of the card's memory, it begins with the MSI-X table; the first entry is for packets that came


def message_for(iommu, vector):
    """What the vector's owner sends: address, data. (drivers/iommu/interrupts.hpp)"""
    return {"amd": (0xfee0_0000, vector), "intel": (0xfee0_0010 | vector << 5, 0)}[iommu]


def taken(dom0):
    """How often each of the disk's interrupts has come."""
    return re.findall(r"(?m)^ *\d+:((?: +\d+)+) .*nvme", dom0.check("cat /proc/interrupts"))


@pytest.mark.parametrize("iommu", ["amd", "intel"])
def test_a_card_that_lies_about_who_it_is(scenario, start, hypervisor, tmp_path, iommu):
    """Its table is changed behind everybody's back, as a malicious card would send whatever it likes. That nothing comes
    is all there is to see: neither of QEMU's IOMMUs reports refused interrupts."""
    if hypervisor != "hospes":
        pytest.skip("asks Hospes which interrupts there are")
    memory = PhysicalMemory(tmp_path)
    devices = ("-netdev", "user,id=net", "-device", "e1000e,netdev=net,addr=10",
               "-drive", "if=none,id=disk,format=raw,file.driver=null-co,file.size=1M", "-device", "nvme,serial=x,drive=disk,addr=11")
    dom0 = start(scenario(iommu=iommu, nic="none", qemu_options=(*memory.options, *devices))).boot().dom0
    dom0.check("modprobe nvme")
    wait_for(dom0, "[ -b /dev/nvme0n1 ]", "the disk")
    dom0.check("ping -c 3 -W 30 10.0.2.2")

    table = int(dom0.check(f"sed -n {TABLE_REGION + 1}p /sys/bus/pci/devices/{CARD}/resource").split()[0], 16)
    address, data = message_for(iommu, min(vector for vector, owner in interrupts(dom0).items() if owner == named(DISK)))
    before = taken(dom0)
    memory.write(table, address.to_bytes(4, "little"))
    memory.write(table + 8, data.to_bytes(4, "little"))
    assert dom0.run("ping -c 2 -W 2 10.0.2.2")[0] != 0, "the card does not announce what came in any other way"
    assert taken(dom0) == before

    dom0.check("ip link set eth0 down; ip link set eth0 up", timeout=600)  # writes the table anew
    wait_for(dom0, "grep -q 1 /sys/class/net/eth0/carrier", "the link")
    dom0.check("ping -c 3 -W 30 10.0.2.2; dd if=/dev/nvme0n1 of=/dev/null bs=64k iflag=direct")
    assert taken(dom0) != before
