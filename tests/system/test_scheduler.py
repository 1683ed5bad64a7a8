# SPDX-License-Identifier: MIT
"""Processor time is shared by weight and limited by cap. Shares are compared with each other, never with a clock outside."""
import pytest

from guests import domains, small

pytestmark = pytest.mark.slow


def shares(dom0, names, seconds=30):
    """Processor seconds each guest used during the same stretch of dom0's time, and that stretch."""
    def read():
        rows = domains(dom0)
        return [float(dom0.check("cut -d' ' -f1 /proc/uptime")), *(rows[name].seconds for name in names)]

    before = read()
    dom0.check(f"sleep {seconds}", timeout=1800)
    elapsed, *used = (after - earlier for after, earlier in zip(read(), before))
    return elapsed, used


def test_twice_the_weight_is_twice_the_time(dom0):
    for name, weight in (("light", 256), ("heavy", 512)):
        small(name).create(dom0, "-p")
        dom0.check(f"xl vcpu-pin {name} 0 1; xl sched-credit2 -d {name} -w {weight}; xl unpause {name}")
    _, (light, heavy) = shares(dom0, ("light", "heavy"))
    assert 1.6 < heavy / light < 2.4


def test_a_cap_holds_on_an_idle_processor(dom0):
    small("capped").create(dom0, "-p")
    dom0.check("xl vcpu-pin capped 0 1; xl sched-credit2 -d capped -c 25; xl unpause capped")
    elapsed, (used,) = shares(dom0, ("capped",))
    assert 0.1 < used / elapsed < 0.35
