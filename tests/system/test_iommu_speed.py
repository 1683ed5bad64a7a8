# SPDX-License-Identifier: MIT
"""What an IOMMU costs: how long `xl create` takes with one in use and without, in the same run."""
import re

import pytest

from guests import small, wait_until_gone

pytestmark = pytest.mark.slow
ROUNDS = 8
ALLOWED = 1.2


def create_time(machine):
    """The least of some rounds, in the machine's own seconds: the one that the host has disturbed least."""
    dom0, times = machine.dom0, []
    guest = small("one", memory=64)
    path = guest.write(dom0)
    for _ in range(ROUNDS):
        said = dom0.check(f"t0=$(cut -d' ' -f1 /proc/uptime); xl create {path}; echo @$t0 $(cut -d' ' -f1 /proc/uptime)@",
                          timeout=1800)
        before, after = map(float, re.search(r"@(\S+) (\S+)@", said).groups())
        times.append(after - before)
        dom0.check("xl destroy one")
        wait_until_gone(dom0, "one")
    print(f"{machine.scenario.iommu}: {times}")
    return min(times)


def test_creating_a_guest_takes_no_longer(scenario, start):
    times = {}
    for iommu in ("none", "amd", "intel"):
        machine = start(scenario(iommu=iommu)).boot()
        times[iommu] = create_time(machine)
        machine.__exit__()
    assert times["amd"] < ALLOWED * times["none"] and times["intel"] < ALLOWED * times["none"], times
