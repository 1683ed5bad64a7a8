# SPDX-License-Identifier: MIT
"""What a guest takes of the machine beyond its RAM, and how that RAM is mapped."""
import re

import pytest

from guests import Guest, free_memory, small, wait_for, wait_until_gone

pytestmark = pytest.mark.slow
SCENARIO = {"memory": 6144}
PAGE_KIB = 4
ALLOWED_KIB = 64
FREE = re.compile(r"memory: (\d+) KiB free")


def free_kib(dom0):
    """What the hypervisor says that it has left, to the page."""
    dom0.check("xl debug-keys m")
    return int(FREE.findall(dom0.check("xl dmesg"))[-1])


def ram_and_tables_kib(dom0, name):
    """RAM counts all that the toolstack put into the guest: `memory=` of the configuration and some pages of its own."""
    number = dom0.check(f"xl domid {name}").strip()
    dom0.check("xl debug-keys q")
    ram, tables = re.findall(rf"domain {number}: .* (\d+) KiB RAM of .* (\d+) table pages", dom0.check("xl dmesg"))[-1]
    return int(ram), int(tables) * PAGE_KIB


def test_a_paused_guest_takes_little_beyond_its_ram(dom0, hypervisor):
    if hypervisor != "hospes":
        pytest.skip("what each domain takes is read from the debug keys of Hospes")
    small("first").create(dom0, "-p")  # what is made once for all guests is there now
    before = free_kib(dom0)
    small("second").create(dom0, "-p")
    ram, tables = ram_and_tables_kib(dom0, "second")
    own = before - free_kib(dom0) - ram - tables
    print(f"a paused guest: {ram} KiB RAM, {tables} KiB of page tables, {own} KiB of the hypervisor's own")
    assert 0 < own <= ALLOWED_KIB


def test_a_large_guest_is_mapped_by_the_gigabyte(machine, dom0, hypervisor):
    """The toolstack asks for a gigabyte at a time where all of it is RAM: of 3 GiB for the second and the third. Ballooning
    takes them apart."""
    if hypervisor != "hospes":
        pytest.skip("how a domain is mapped is read from the debug keys of Hospes")
    free = free_memory(dom0)
    Guest("tiny", memory=3072).create(dom0).wait_until_up(dom0)
    ram, tables = ram_and_tables_kib(dom0, "tiny")
    print(f"{ram} KiB RAM, {tables} KiB of page tables")
    assert tables <= 8 * PAGE_KIB
    with machine.guest_console("tiny") as shell:
        shell.check("dd if=/dev/urandom of=/tmp/a bs=1M count=64 && cp /tmp/a /tmp/b && cmp /tmp/a /tmp/b")
    dom0.check("xl mem-set tiny 1024")
    wait_for(dom0, "xl list tiny | grep -q '  1024  '", "the guest to give back two gigabytes", polls=300)
    dom0.check("xl mem-set tiny 3072")
    wait_for(dom0, "xl list tiny | grep -q '  3072  '", "the guest to have its memory again", polls=300)
    dom0.check("xl shutdown tiny")
    wait_until_gone(dom0, "tiny")
    assert free_memory(dom0) == free


def test_maxmem_above_memory(machine, dom0):
    """All of `maxmem` is the guest's until its balloon driver has given back what lies above `memory`; later it may grow again."""
    def live():
        Guest("tiny", memory=128, settings={"maxmem": 256}).create(dom0).wait_until_up(dom0)
        wait_for(dom0, "xl list tiny | grep -q '  128  '", "the guest to give back what lies above `memory`", polls=300)
        with machine.guest_console("tiny") as shell:
            before = int(shell.check("awk '/MemTotal/ { print $2 }' /proc/meminfo"))
        dom0.check("xl mem-set tiny 200")
        wait_for(dom0, "xl list tiny | grep -q '  200  '", "the guest to grow", polls=300)
        with machine.guest_console("tiny") as shell:
            assert int(shell.check("awk '/MemTotal/ { print $2 }' /proc/meminfo")) >= before + (60 << 10)
        dom0.check("xl shutdown tiny")
        wait_until_gone(dom0, "tiny")
        return free_memory(dom0)
    assert live() == live()
