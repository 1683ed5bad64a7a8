# SPDX-License-Identifier: MIT
"""Guests whose code is 32-bit code: Debian's kernel for i386, and GRUB that boots it from the guest's own disk."""
import subprocess

import pytest

from guests import FOLDER, Guest, domains, wait_for
from machine import BUILD, ROOT

PARTS = BUILD / "narrow"
FILES = ("vmlinuz", "init.img", "grub.bin", "disk.img")
SCENARIO = {"qemu_options": tuple(
    word for name in FILES
    for word in ("-drive", f"if=none,id={name},format=raw,snapshot=on,file={PARTS / name}",
                 "-device", f"nvme,serial={name},drive={name}"))}


@pytest.fixture(scope="module", autouse=True)
def parts():
    if not all((PARTS / name).exists() for name in FILES):
        subprocess.run([ROOT / "tests/tools/narrow_guests", PARTS], check=True)


@pytest.fixture(scope="module")
def machine(parts, machine):
    return machine


def drive(dom0, name):
    """The disk whose serial number this is, in dom0."""
    found = dom0.check(f"grep -lx '{name} *' /sys/class/nvme/*/serial").split()
    return f"/dev/{found[0].split('/')[-2]}n1"


def copy_of(dom0, name):
    dom0.check(f"cat {drive(dom0, name)} >{FOLDER}/narrow-{name}", timeout=300)
    return f"{FOLDER}/narrow-{name}"


def test_debians_kernel_for_i386(dom0):
    guest = Guest("narrow", kernel=copy_of(dom0, "vmlinuz"), ramdisk=copy_of(dom0, "init.img"), memory=256, vcpus=2)
    guest.create(dom0)
    wait_for(dom0, f"grep -q 'narrow guest is up' {guest.log}", "the 32-bit kernel to start its init")
    assert domains(dom0)["narrow"].vcpus == 2
    assert "BUG" not in dom0.check(f"cat {guest.log}")


def test_grub_boots_a_guest_from_its_own_disk(machine, dom0):
    guest = Guest("grub", kernel=copy_of(dom0, "grub.bin"), ramdisk=None, memory=256,
                  disks=(f"phy:{drive(dom0, 'disk.img')},xvda,w",))
    path = guest.write(dom0)
    machine.console.send(f"xl create -c {path}\n")
    machine.expect("not this one", timeout=1800)
    machine.console.send("\x0e\r")  # Ctrl-N: the next entry
    machine.expect("narrow guest is up", timeout=1800)
    machine.leave_console()
