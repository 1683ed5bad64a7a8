# SPDX-License-Identifier: MIT
"""Test kernels (tests/guests) as unprivileged guests under the toolstack: what they ask of a domain that owns no devices."""
import pytest

from guests import FOLDER, small, wait_until_gone
from machine import BUILD

KERNELS = ("cpuid", "instructions", "local_apic", "msr", "narrow_pae")
# Each is a disk of dom0.
SCENARIO = {"qemu_options": tuple(
    word for name in KERNELS for word in
    ("-drive", f"if=none,id={name},format=raw,readonly=on,file={BUILD}/guests/{name}.elf",
     "-device", f"nvme,serial={name},drive={name}"))}


@pytest.mark.fast
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_passes_as_a_guest(dom0, name):
    dom0.check(f"for disk in /dev/nvme?; do grep -q {name} /sys/class/nvme/${{disk#/dev/}}/serial && "
               f"cat ${{disk}}n1 >{FOLDER}/{name}.elf; done; test -s {FOLDER}/{name}.elf")
    guest = small(name, name, memory=64, vcpus=2, settings={"cmdline": "emulator"}).create(dom0)
    wait_until_gone(dom0, name)
    said = dom0.check(f"cat {guest.log}; xl dmesg")
    assert f"PASS {name}" in said, said
