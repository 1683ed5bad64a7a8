# SPDX-License-Identifier: MIT
"""Many Linux guests at once, created and destroyed: each page is free again, but for what dom0 has grown by, once.

dom0 maps pages of its guests: those that it builds and those that they grant. The tables for that, of its CPUs and of its
devices, stay when the mappings go (docs/administering-guests.md), so that the first guests cost some; later ones none.
"""
import dataclasses
import os
import re
import time

import pytest

from guests import Guest, domains, wait_until_gone

pytestmark = pytest.mark.slow
COUNT = int(os.environ.get("GUESTS", "24"))
ROUNDS = 3
GUEST_MIB = 96
SCENARIO = {"memory": 1024 + 512 + COUNT * (GUEST_MIB + 16)}
PAGE_KIB = 4
MOST_GROWTH = 256  # pages: a MiB
MEMORY = re.compile(r"memory: (\d+) KiB free of \d+ KiB, (\d+) pages of devices' tables")
DOMAIN = re.compile(r"domain (\d+): .* (\d+) KiB RAM of .* (\d+) pages of overhead of \d+, (\d+) of tables of ")


@dataclasses.dataclass(frozen=True)
class Pages:
    """What the hypervisor counts while dom0 is alone."""

    free: int
    device_tables: int
    ram: int
    overhead: int  # the lists of grants that it maps, and of its event channels
    tables: int

    def used_by_dom0(self):
        return self.device_tables + self.ram + self.overhead + self.tables


def count(dom0):
    assert list(domains(dom0)) == ["Domain-0"]
    dom0.check("xl debug-keys m && xl debug-keys q")
    log = dom0.check("xl dmesg")
    memory = list(MEMORY.finditer(log))[-1]
    number, ram, overhead, tables = DOMAIN.findall(log, memory.end())[-1]
    assert number == "0"
    return Pages(int(memory[1]) // PAGE_KIB, int(memory[2]), int(ram) // PAGE_KIB, int(overhead), int(tables))


def settled(dom0):
    """The same, when nobody gives memory back any more."""
    previous = None
    while (now := count(dom0)) != previous:
        previous = now
        time.sleep(1)
    print(now)
    return now


def live(dom0):
    guests = [Guest(f"guest{number}", memory=GUEST_MIB) for number in range(COUNT)]
    for guest in guests:
        guest.create(dom0)
    for guest in guests:
        guest.wait_until_up(dom0)
    for guest in guests:
        dom0.check(f"xl destroy {guest.name}")
        wait_until_gone(dom0, guest.name)


def test_all_pages_come_back(dom0, hypervisor):
    if hypervisor != "hospes":
        pytest.skip("what each domain takes is read from the debug keys of Hospes")
    fresh = settled(dom0)
    live(dom0)
    grown = settled(dom0)
    assert fresh.free - grown.free == grown.used_by_dom0() - fresh.used_by_dom0(), "each missing page is dom0's"
    assert grown.ram == fresh.ram
    assert fresh.free - grown.free <= MOST_GROWTH
    for _ in range(ROUNDS - 1):
        live(dom0)
        assert settled(dom0) == grown, "the next ones take what is there"
