# SPDX-License-Identifier: MIT
"""Devices reach dom0's memory and nothing else, with either vendor's IOMMU; and what is reached is what was meant."""
import contextlib
import dataclasses
import hashlib
import os
import re
import socket
import struct
import sys
import threading

import pytest

from guests import Guest, checksum, wait_for
from machine import ROOT

sys.path.append(str(ROOT / "tests/guests"))
import run as test_guests  # noqa: E402

DEVICES = {"amd": "amd-iommu,intremap=on", "intel": "intel-iommu,intremap=on,eim=off"}
LARGER = "intel-iommu,intremap=on,eim=off,aw-bits=48,caching-mode=on"  # four levels, and absence is cached
DISKS = {"nvme": ("/dev/nvme0n1", "nvme,serial=spare"), "ahci": ("/dev/sda", "ide-hd,bus=ide.0"),
         "virtio-blk": ("/dev/vda", "virtio-blk-pci,disable-legacy=on,iommu_platform=on")}
ATTACKER = "edu,addr=8,dma_mask=0xffffffffffffffff"
STORMER = "e1000,addr=9"
MEMORY = "320"  # little, for another domain gets all that is free
SIZE, NETWORK_SIZE = 256, 64  # MiB
REFUSALS = ("the hypervisor's image is not read", "and is out of reach", "it writes through it no longer",
            "and none of its pages was written")


def attack(hypervisor, *devices, options="iommu=on", verdict="PASS", tables=()):
    """The guest dma_attack as dom0, on a machine with these devices and further ACPI tables."""
    if hypervisor != "hospes":
        pytest.skip("runs on Hospes only")
    case = test_guests.cases()["dma_attack"]
    qemu = [word for device in devices for word in ("-device", device)]
    qemu += [word for table in tables for word in ("-acpitable", table)]
    return test_guests.run(dataclasses.replace(case, qemu=("-m", MEMORY, *qemu), options=options, verdict=verdict))


@pytest.mark.fast
@pytest.mark.parametrize("iommu", [*DEVICES.values(), LARGER])
def test_an_attacker_is_refused(hypervisor, iommu):
    """The hypervisor, a page given back, an ended grant, the I/O APIC, a running domain's pages; then a storm."""
    outcome = attack(hypervisor, iommu, ATTACKER, STORMER)
    assert outcome.good, outcome.log
    for refusal in (*REFUSALS, "the I/O APIC is out of reach"):  # the guest skips what it cannot attack
        assert f"  ok   {refusal}" in outcome.log
    assert "page-table levels: 3" in outcome.log or iommu != DEVICES["intel"]
    if "amd" in iommu:
        return  # QEMU's amd-iommu never writes to its event log: what is refused is not reported
    attacked = set(re.findall(r"attack on (0x\w+)", outcome.log))
    refused = set(re.findall(r"IOMMU: PCI 0x0:0x8\.0: (?:read|write) of (0x\w+) refused: not mapped", outcome.log))
    assert len(attacked) > 10 and attacked <= refused
    assert outcome.log.count("PCI 0x0:0x9.0 is cut off") == 1
    assert outcome.log.count("PCI 0x0:0x9.0: read of 0x200000 refused") < 50, "a storm does not fill the log"


OPTIONS = {
    "off": ("iommu=off", DEVICES["intel"], "IOMMU | off | iommu=off was given"),
    "on-intel": ("iommu=on", DEVICES["intel"], "IOMMU | in use | VT-d"),
    "on-amd": ("iommu=on", DEVICES["amd"], "IOMMU | in use | AMD-Vi"),
    "force": ("iommu=force", DEVICES["intel"], "guest dma_attack as dom0"),
    "force-without": ("iommu=force", "intel-iommu,intremap=off", "iommu=force was given, and the IOMMUs cannot remap interrupts"),
    "force-less": ("iommu=force,no-intremap", "intel-iommu,intremap=off", "guest dma_attack as dom0"),
    "no-intremap": ("iommu=no-intremap", DEVICES["amd"], "interrupt remapping | off | no-intremap was given"),
    "verbose-intel": ("iommu=verbose", DEVICES["intel"], "IOMMU: VT-d: capabilities 0x"),
    "verbose-amd": ("iommu=verbose", DEVICES["amd"], "IOMMU: AMD-Vi: features 0x"),
}


@pytest.mark.fast
@pytest.mark.parametrize("name", OPTIONS)
def test_options(hypervisor, name):
    options, device, expected = OPTIONS[name]
    # The runner itself says iommu=off: what is not said here must be said again.
    outcome = attack(hypervisor, device, options=f"iommu=on {options}", verdict=re.escape(expected))
    assert outcome.good, outcome.log


@pytest.mark.slow
@pytest.mark.parametrize("vendor", DEVICES)
def test_memory_is_protected_without_interrupt_remapping(hypervisor, vendor):
    outcome = attack(hypervisor, DEVICES[vendor], ATTACKER, options="iommu=on,no-intremap")
    assert "interrupt remapping | off | no-intremap was given" in outcome.log
    before = outcome.log.partition("the I/O APIC")[0]  # then the device raises any interrupt it likes, and the machine is lost
    assert "FAIL" not in before and all(f"  ok   {refusal}" in before for refusal in REFUSALS)


@pytest.mark.fast
def test_no_iommu_stops_the_boot(hypervisor):
    outcome = attack(hypervisor, ATTACKER, verdict=r"no IOMMU can be used: .*iommu=off")
    assert outcome.good, outcome.log


def unit(registers, segment=0):
    """The body of a DMAR with one unit for all devices."""
    return struct.pack("<BB10xHHBBHQ", 38, 1, 0, 16, 1, 0, segment, registers)


def hardware_block(registers, capability=0x40):
    """The body of an IVRS with one unit, which is function 00:02.0."""
    return struct.pack("<IQBBHHHQHHI", 40 << 8, 0, 0x10, 0, 24, 0x10, capability, registers, 0, 0, 0)


LIES = {
    "nothing-there": ("DMAR", unit(0xfed9_0000), "its version register is empty"),
    "in-ram": ("DMAR", unit(0x10_0000), "its registers lie in RAM"),
    "beyond": ("DMAR", unit(1 << 60), "its registers are at an impossible address"),
    "segment": ("DMAR", unit(0xfed9_0000, segment=1), "PCI segments other than 0 are not supported"),
    "cut-off": ("DMAR", unit(0xfed9_0000)[:-2], "a structure is cut off"),
    "width": ("DMAR", b"\x08" + unit(0xfed9_0000)[1:], "impossible address width"),
    "no-function": ("IVRS", hardware_block(0xfed8_0000), "it has no IOMMU capability where the IVRS says"),
    "ivrs-in-ram": ("IVRS", hardware_block(0x10_0000), "its registers lie in RAM"),
}


@pytest.mark.fast
@pytest.mark.parametrize("name", LIES)
def test_a_table_that_lies_is_as_good_as_none(hypervisor, tmp_path, name):
    signature, body, why = LIES[name]
    path = tmp_path / "table"
    path.write_bytes(body)
    outcome = attack(hypervisor, verdict=rf"no IOMMU can be used: .*{why}.*iommu=off", tables=[f"sig={signature},data={path}"])
    assert outcome.good, outcome.log
    assert re.search(rf"verdict: IOMMU \| broken \| .*{why}", outcome.log)


@pytest.mark.slow
@pytest.mark.parametrize("iommu", ["amd", "intel"])
@pytest.mark.parametrize("kind", DISKS)
def test_a_quarter_gibibyte_straight_to_the_device(scenario, start, iommu, kind):
    """dom0's block back-end lets the device write into the guest's own pages: no copy, no bounce buffer."""
    disk, device = DISKS[kind]
    spare = ("-drive", f"if=none,id=spare,format=raw,file.driver=null-co,file.read-zeroes=on,file.size={SIZE << 20},snapshot=on",
             "-device", f"{device},drive=spare")
    machine = start(scenario(iommu=iommu, qemu_options=spare)).boot()
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


@pytest.mark.slow
@pytest.mark.parametrize("iommu", ["amd", "intel"])
def test_cards_behind_a_bridge_to_conventional_pci(scenario, start, iommu):
    """The bridge speaks for them, so all arrive under its id: one card with a line interrupt, one with MSI-X."""
    cards = ("-device", "pcie-pci-bridge,id=bridge", "-netdev", "user,id=near", "-device", "e1000,bus=bridge,addr=1,netdev=near",
             "-netdev", "user,id=far,net=10.0.9.0/24",
             "-device", "virtio-net-pci,bus=bridge,addr=2,netdev=far,disable-legacy=on,iommu_platform=on")
    machine = start(scenario(iommu=iommu, nic="none", qemu_options=cards)).boot()
    dom0 = machine.dom0
    dom0.check("ip addr add 10.0.9.15/24 dev xenbr0")
    wait_for(dom0, "[ $(cat /sys/class/net/eth*/carrier | grep -c 1) = 2 ]", "both links")
    dom0.check("ping -c 3 -W 30 10.0.2.2; ping -c 3 -W 30 10.0.9.2")
    used = dom0.check("cat /proc/interrupts")
    assert re.search(r"IO-APIC.*fasteoi.*eth\d", used) and re.search(r"PCI-MSI.*virtio\d-input", used), used
    assert "refused" not in dom0.check("xl dmesg")


class Peer:
    """Another machine on the network: whoever connects to `giving` gets a blob; `taken` are the sums of what was sent to
    `taking`."""

    def __init__(self, size):
        self.blob = os.urandom(size)
        self.taken = []
        self.giving = self._listen(lambda line: line.sendall(self.blob))
        self.taking = self._listen(self._take)

    def _listen(self, serve):
        server = socket.create_server(("127.0.0.1", 0))

        def run():
            with contextlib.suppress(OSError):
                while True:
                    line, _ = server.accept()
                    with line:
                        serve(line)

        threading.Thread(target=run, daemon=True).start()
        return server.getsockname()[1]

    def _take(self, line):
        digest = hashlib.md5()
        while piece := line.recv(1 << 16):
            digest.update(piece)
        self.taken.append(digest.hexdigest())


@pytest.mark.slow
@pytest.mark.parametrize("iommu", ["amd", "intel"])
@pytest.mark.parametrize("nic", ["e1000e", "virtio-net"])
def test_a_guests_packets_straight_to_the_card(scenario, start, iommu, nic):
    """dom0's network back-end lets the card read the guest's own pages, over the bridge."""
    peer = Peer(NETWORK_SIZE << 20)
    machine = start(scenario(nic=nic, iommu=iommu)).boot()
    dom0 = machine.dom0
    assert "swiotlb=force" not in dom0.check("cat /proc/cmdline")
    Guest("tiny", memory=256, address="10.0.2.21").create(dom0).wait_until_up(dom0)
    with machine.guest_console("tiny") as shell:
        assert checksum(shell, f"nc 10.0.2.2 {peer.giving} </dev/null") == hashlib.md5(peer.blob).hexdigest()
        shell.check(f"dd if=/dev/urandom of=/tmp/blob bs=1M count={NETWORK_SIZE}; nc 10.0.2.2 {peer.taking} </tmp/blob",
                    timeout=1800)
        assert peer.taken == [checksum(shell, "cat /tmp/blob")]
    assert "refused" not in dom0.check("xl dmesg | grep IOMMU")
