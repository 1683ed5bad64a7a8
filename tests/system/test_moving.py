# SPDX-License-Identifier: MIT
"""dom0's kernel moves disk controllers to other addresses, even to each other's: registers and MSI-X tables work there."""
import os

import pytest

from functions import interrupts, named
from guests import checksum, checksum_of, wait_for

DEVICES = "/sys/bus/pci/devices"
NEAR, OTHER, BRIDGE, BEHIND = "0000:00:10.0", "0000:00:11.0", "0000:00:12.0", "0000:01:00.0"


def disk(folder, name, where):
    """QEMU's options for a controller whose disk is unlike any other."""
    (folder / name).write_bytes(os.urandom(1 << 20))
    return ("-drive", f"if=none,id={name},format=raw,snapshot=on,file={folder / name}",
            "-device", f"nvme,serial={name},drive={name},{where}")


def take_away(dom0, *addresses):
    dom0.check("; ".join(f"echo 1 >{DEVICES}/{address}/remove" for address in addresses))


def bring_back(dom0):
    """Functions that are found again get new addresses: the first free ones, in the order of the bus."""
    dom0.check("echo 1 >/sys/bus/pci/rescan")


def place(dom0, address):
    """Where the function's first memory region starts."""
    return int(dom0.check(f"head -n 1 {DEVICES}/{address}/resource").split()[0], 16)


def content(dom0, address):
    """Of the function's disk, which appears some time after the function."""
    device = f'"/dev/$(basename {DEVICES}/{address}/nvme/nvme*/nvme*n1)"'
    wait_for(dom0, f"[ -b {device} ]", f"the disk of {address}")
    return checksum(dom0, f"dd if={device} bs=1M iflag=direct 2>/dev/null")


@pytest.mark.fast
def test_controllers_change_places(scenario, start, hypervisor, tmp_path):
    options = (*disk(tmp_path, "near", "addr=10"), *disk(tmp_path, "other", "addr=11"),
               "-device", "pcie-root-port,id=bridge,chassis=1,slot=1,addr=12", *disk(tmp_path, "behind", "bus=bridge"))
    dom0 = start(scenario(qemu_options=options)).boot().dom0
    dom0.check("modprobe nvme")
    disks = {NEAR: checksum_of(tmp_path / "near"), OTHER: checksum_of(tmp_path / "other"),
             BEHIND: checksum_of(tmp_path / "behind")}

    def places():
        """Of each, once its disk has been read."""
        assert {address: content(dom0, address) for address in disks} == disks
        return {address: place(dom0, address) for address in disks}

    firmware = places()
    owners = sorted(interrupts(dom0).values()) if hypervisor == "hospes" else None
    for address in (OTHER, NEAR):
        take_away(dom0, address)
        bring_back(dom0)
    apart = places()
    assert not set(apart.values()) & {firmware[NEAR], firmware[OTHER]}

    take_away(dom0, NEAR, OTHER)
    if hypervisor == "hospes":
        assert not {named(NEAR), named(OTHER)} & set(interrupts(dom0).values()), "they may raise their interrupts no longer"
    bring_back(dom0)
    swapped = places()
    assert (swapped[NEAR], swapped[OTHER]) == (apart[OTHER], apart[NEAR])

    take_away(dom0, BRIDGE)
    bring_back(dom0)
    assert places()[BEHIND] != firmware[BEHIND]
    if hypervisor == "hospes":
        assert sorted(interrupts(dom0).values()) == owners
        assert "refused" not in dom0.check("xl dmesg")
    assert "completion polled" not in dom0.check("dmesg"), "an interrupt was lost"
