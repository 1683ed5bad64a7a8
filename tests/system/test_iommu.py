# SPDX-License-Identifier: MIT
"""Devices reach dom0's memory and nothing else, with either vendor's IOMMU; and what is reached is what was meant."""
import dataclasses
import re
import sys

import pytest

from guests import Guest, checksum
from machine import ROOT

sys.path.append(str(ROOT / "tests/guests"))
import run as test_guests  # noqa: E402

DEVICES = {"amd": "amd-iommu,intremap=on", "intel": "intel-iommu,intremap=on,eim=off"}
ATTACKER = "edu,dma_mask=0xffffffffffffffff"
SIZE = 256  # MiB


def attack(hypervisor, *devices, options="iommu=on", verdict="PASS"):
    """The guest dma_attack as dom0, on a machine with these devices."""
    if hypervisor != "hospes":
        pytest.skip("runs on Hospes only")
    case = test_guests.cases()["dma_attack"]
    qemu = [word for device in devices for word in ("-device", device)]
    return test_guests.run(dataclasses.replace(case, qemu=tuple(qemu), options=options, verdict=verdict))


@pytest.mark.fast
@pytest.mark.parametrize("vendor", DEVICES)
def test_an_attacker_is_refused(hypervisor, vendor):
    outcome = attack(hypervisor, DEVICES[vendor], ATTACKER)
    assert outcome.good, outcome.log
    if vendor == "intel":  # QEMU's amd-iommu never writes to its event log
        assert re.search(r"IOMMU: PCI 0x0:0x\w+\.0: read of 0x200000 refused: not mapped", outcome.log)
        assert re.search(r"IOMMU: PCI 0x0:0x\w+\.0: write of 0xfec00000 refused", outcome.log)


@pytest.mark.slow
@pytest.mark.parametrize("vendor", DEVICES)
def test_memory_is_protected_without_interrupt_remapping(hypervisor, vendor):
    outcome = attack(hypervisor, DEVICES[vendor], ATTACKER, options="iommu=on,no-intremap")
    assert "interrupt remapping | off | no-intremap was given" in outcome.log
    assert "the hypervisor's image is not read" in outcome.log
    assert "FAIL" not in outcome.log.split("the I/O APIC")[0]


@pytest.mark.fast
def test_no_iommu_stops_the_boot(hypervisor):
    outcome = attack(hypervisor, ATTACKER, verdict=r"no IOMMU can be used: .*iommu=off")
    assert outcome.good, outcome.log


@pytest.mark.slow
@pytest.mark.parametrize("iommu", ["amd", "intel"])
@pytest.mark.parametrize("root", ["nvme", "ahci", "virtio-blk"])
def test_a_quarter_gibibyte_straight_to_the_device(scenario, start, iommu, root):
    """dom0's block back-end lets the device write into the guest's own pages: no copy, no bounce buffer."""
    disk = {"nvme": "/dev/nvme1n1", "ahci": "/dev/sdb", "virtio-blk": "/dev/vdb"}[root]
    device = {"nvme": "nvme,serial=spare,drive=spare", "ahci": "ide-hd,bus=ide.1,drive=spare",
              "virtio-blk": "virtio-blk-pci,drive=spare,disable-legacy=on,iommu_platform=on"}[root]
    spare = ("-drive", f"if=none,id=spare,format=raw,file.driver=null-co,file.read-zeroes=on,file.size={SIZE << 20},snapshot=on",
             "-device", device)
    machine = start(scenario(root=root, iommu=iommu, qemu_options=spare)).boot()
    dom0 = machine.dom0
    assert "swiotlb=force" not in dom0.check("cat /proc/cmdline")
    dom0.check(f"dd if=/dev/urandom of={disk} bs=1M count={SIZE} oflag=direct", timeout=1800)
    before = checksum(dom0, f"dd if={disk} bs=1M iflag=direct 2>/dev/null")
    Guest("tiny", disks=(f"format=raw, vdev=xvda, access=rw, target={disk}",)).create(dom0).wait_until_up(dom0)
    with machine.guest_console("tiny") as shell:
        assert checksum(shell, "dd if=/dev/xvda bs=1M iflag=direct 2>/dev/null") == before
        shell.check(f"dd if=/dev/urandom of=/dev/xvda bs=1M count={SIZE} oflag=direct; sync", timeout=1800)
        written = checksum(shell, "dd if=/dev/xvda bs=1M iflag=direct 2>/dev/null")
    dom0.check("xl destroy tiny")
    assert checksum(dom0, f"dd if={disk} bs=1M iflag=direct 2>/dev/null") == written != before
    assert "refused" not in dom0.check("xl dmesg | grep IOMMU")
