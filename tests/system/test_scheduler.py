# SPDX-License-Identifier: MIT
"""Processor time is shared by weight and limited by cap. Shares are compared with each other, never with a clock outside."""
import pytest

from guests import small

pytestmark = pytest.mark.fast


SECONDS = 10
CLOCK = "cut -d' ' -f1 /proc/uptime"


def shares(dom0, names, seconds=SECONDS):
    """Processor seconds each guest used during the same stretch of dom0's time, and that stretch."""
    reading = f"xl list; echo uptime $({CLOCK})"
    before, after = dom0.check(f"{reading}; echo; sleep {seconds}; {reading}", timeout=1800).split("\n\n")

    def used(text):
        last_words = {line.split()[0]: float(line.split()[-1]) for line in text.splitlines()[1:]}
        return [last_words[name] for name in ("uptime", *names)]

    elapsed, *seconds_used = (late - early for late, early in zip(used(after), used(before)))
    print(f"in {elapsed:.1f} s:", *(f"{name} {value:.1f} s," for name, value in zip(names, seconds_used)))
    return elapsed, seconds_used


def test_twice_the_weight_is_twice_the_time(dom0):
    for name, weight in (("light", 256), ("heavy", 512)):
        small(name).create(dom0, "-p")
        dom0.check(f"xl vcpu-pin {name} 0 1; xl sched-credit2 -d {name} -w {weight}")
    # dom0 stays away from the guests' processor: what it takes would be taken unevenly.
    dom0.check("xl vcpu-pin Domain-0 all 0; xl unpause light; sleep 5; xl unpause heavy")
    _, (light, heavy) = shares(dom0, ("light", "heavy"))
    dom0.check("xl vcpu-pin Domain-0 all all")
    assert 1.8 < heavy / light < 2.2


@pytest.mark.parametrize("cap", [50, 25])
def test_a_cap_holds_on_an_idle_processor(dom0, cap):
    small("capped").create(dom0, "-p")
    dom0.check(f"xl vcpu-pin capped 0 1; xl sched-credit2 -d capped -c {cap}; xl unpause capped")
    elapsed, (used,) = shares(dom0, ("capped",))
    assert cap - 5 < 100 * used / elapsed < cap + 5


def test_three_guests_share_two_processors(dom0):
    names = ("one", "two", "three")
    for name in names:
        small(name).create(dom0)
    _, used = shares(dom0, names)
    fair = sum(used) / len(used)
    assert all(0.9 * fair < value < 1.1 * fair for value in used), used
