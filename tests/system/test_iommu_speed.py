# SPDX-License-Identifier: MIT
"""What an IOMMU costs: how much work `xl create` is with one in use and without, in the same run.

QEMU counts instructions (-icount), so dom0's clock tells how many were executed, and not how busy this computer is. The
guest is a Linux, whose kernel and ramdisk dom0 copies page by page, each mapped and unmapped. It stays paused: one that
runs would be counted, too. One CPU, so that none is counted while it waits for another.
"""
import statistics

import pytest

from guests import Guest, wait_until_gone

pytestmark = pytest.mark.slow
COUNTING = ("-icount", "shift=0,sleep=off")  # one instruction a nanosecond
ROUNDS = 5
ALLOWED = 1.2


def instructions_of_create(machine):
    """Millions of them, by the clock that shell scripts in dom0 have; the first round, which fills caches, aside."""
    dom0, counts = machine.dom0, []
    path = Guest("one").write(dom0)
    for _ in range(1 + ROUNDS):
        said = dom0.check(f"begin=$EPOCHREALTIME; xl create -p {path} >/dev/null 2>&1; echo $begin $EPOCHREALTIME")
        begin, end = map(float, said.split())
        counts.append(1000 * (end - begin))
        dom0.check("xl destroy one")
        wait_until_gone(dom0, "one")
    print(f"{machine.scenario.iommu}: {[round(count, 1) for count in counts]} million instructions")
    return statistics.median(counts[1:])


def test_creating_a_guest_takes_no_longer(scenario, start):
    counts = {}
    for iommu in ("none", "amd", "intel"):
        machine = start(scenario(iommu=iommu, cpus=1, qemu_options=COUNTING)).boot()
        counts[iommu] = instructions_of_create(machine)
        machine.__exit__()
    assert counts["amd"] < ALLOWED * counts["none"] and counts["intel"] < ALLOWED * counts["none"], counts
