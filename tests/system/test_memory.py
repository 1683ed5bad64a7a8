# SPDX-License-Identifier: MIT
"""What a guest takes of the machine beyond its RAM and the tables that map it."""
import re

import pytest

from guests import small

pytestmark = pytest.mark.slow
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
