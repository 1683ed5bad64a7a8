# SPDX-License-Identifier: MIT
"""On one CPU, a guest that spins or floods harms nobody: dom0 and a second guest keep answering."""
import re

import pytest

from guests import FOLDER, Guest, domains, small
from machine import BUILD

FLOODS = ("console_flood", "event_flood")
# The flooding guests come from tests/guests, each as a disk of dom0.
SCENARIO = {"cpus": 1, "qemu_options": tuple(
    word for name in FLOODS for word in
    ("-drive", f"if=none,id={name},format=raw,readonly=on,file={BUILD}/guests/{name}.elf",
     "-device", f"nvme,serial={name},drive={name}"))}


def ping(dom0, count=10):
    """All pings are answered; returns the average milliseconds."""
    answer = dom0.check(f"ping -c {count} -W 30 10.0.2.21")
    assert " 0% packet loss" in answer, answer
    return float(re.search(r"= [\d.]+/([\d.]+)/", answer).group(1))


@pytest.fixture
def neighbour(dom0):
    return Guest("neighbour", address="10.0.2.21").create(dom0).wait_until_up(dom0)


@pytest.mark.fast
def test_a_spinning_guest(dom0, neighbour):
    alone = ping(dom0)
    small("spin").create(dom0)
    beside = ping(dom0)
    print(f"ping of a guest on one CPU: {alone} ms, while another guest spins: {beside} ms")
    assert beside < 10 * alone
    assert domains(dom0)["spin"].seconds > 0


@pytest.mark.fast
@pytest.mark.parametrize("name, words", [("console_flood", "kilobytes=100000"), ("event_flood", "seconds=3600")])
def test_a_flooding_guest(dom0, neighbour, name, words):
    dom0.check(f"for disk in /dev/nvme?; do grep -q {name} /sys/class/nvme/${{disk#/dev/}}/serial && "
               f"cat ${{disk}}n1 >{FOLDER}/{name}.elf; done; test -s {FOLDER}/{name}.elf")
    small("flood", name, memory=64, vcpus=2, settings={"cmdline": words}).create(dom0)
    print(f"ping beside {name}: {ping(dom0)} ms")
    assert domains(dom0)["flood"].seconds > 0
    dom0.check("xl destroy flood")


@pytest.mark.slow
def test_a_guest_that_floods_its_console(machine, dom0, neighbour):
    Guest("flood").create(dom0).wait_until_up(dom0)
    machine.console.send("xl console flood\n")
    machine.guest_shell("flood").attach()
    machine.console.send("yes 'the same line again and again'\n")
    for _ in range(2):  # the first may be the echo of the command
        machine.expect("the same line again and again")
    machine.leave_console()
    print(f"ping beside a full console: {ping(dom0)} ms")
    assert domains(dom0)["flood"].seconds > 0
