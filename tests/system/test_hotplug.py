# SPDX-License-Identifier: MIT
"""A disk and a network card come and go while dom0 runs behind an IOMMU: they work at once, and leave nothing behind."""
import pytest

from functions import functions, interrupts
from guests import checksum, checksum_of, wait_for
from monitor import Monitor

pytestmark = pytest.mark.slow
PORTS = ("-device", "pcie-root-port,id=left,chassis=1,slot=1", "-device", "pcie-root-port,id=right,chassis=2,slot=2")
# Who tells dom0 about a new device: the firmware's ACPI code, as QEMU prefers, or the port itself, as most machines do.
ANNOUNCED_BY = {"acpi": (), "port": ("-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off")}


@pytest.mark.parametrize("announced_by", ANNOUNCED_BY)
@pytest.mark.parametrize("iommu", ["amd", "intel"])
def test_a_disk_and_a_card_come_and_go(scenario, start, hypervisor, tmp_path, blob, iommu, announced_by):
    monitor = Monitor(tmp_path)
    backends = ("-blockdev", f"driver=raw,node-name=blob,file.driver=file,file.filename={blob}",
                "-netdev", "user,id=far,net=10.0.9.0/24")
    machine = start(scenario(iommu=iommu, qemu_options=(*PORTS, *backends, *ANNOUNCED_BY[announced_by], *monitor.options)))
    dom0 = machine.boot().dom0
    dom0.check("modprobe nvme; modprobe e1000e")
    entries, present = interrupts(dom0), functions(dom0)
    wanted = checksum_of(blob)
    for _ in range(2):  # what the first time leaves behind would be in the way the second time
        monitor("device_add nvme,id=disk,bus=left,serial=extra,drive=blob")
        wait_for(dom0, "[ -b /dev/nvme0n1 ]", "the disk")
        assert checksum(dom0, "dd if=/dev/nvme0n1 bs=1M iflag=direct 2>/dev/null") == wanted

        monitor("device_add e1000e,id=card,bus=right,netdev=far")
        wait_for(dom0, "[ -e /sys/class/net/eth1 ]", "the card")
        dom0.check("ip link set eth1 up; ip addr add 10.0.9.15/24 dev eth1")
        wait_for(dom0, "grep -q 1 /sys/class/net/eth1/carrier", "the card's link")
        dom0.check("ping -c 3 -W 30 -I eth1 10.0.9.2")
        if hypervisor == "hospes":
            assert set(interrupts(dom0).values()) - set(entries.values()) == functions(dom0) - present

        monitor("device_del disk")
        wait_for(dom0, "[ ! -e /dev/nvme0n1 ]", "the disk to go")
        monitor("device_del card")
        wait_for(dom0, "[ ! -e /sys/class/net/eth1 ]", "the card to go")
        wait_for(dom0, f"[ $(ls /sys/bus/pci/devices | wc -l) = {len(present)} ]", "their functions to go")
        assert functions(dom0) == present
        assert interrupts(dom0) == entries, "each may raise its interrupts no longer"
    assert "refused" not in dom0.check("xl dmesg")

