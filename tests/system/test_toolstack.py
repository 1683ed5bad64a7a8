# SPDX-License-Identifier: MIT
"""Every everyday xl command does what it says, on guests small enough that nothing else takes time."""
import time

import pytest

from guests import domains, information, small, wait_for, wait_until_gone

pytestmark = [pytest.mark.fast, pytest.mark.core]


def test_info_tells_about_the_machine(dom0):
    facts = information(dom0)
    assert int(facts["free_memory"]) < int(facts["total_memory"])
    assert facts["xen_scheduler"] == "credit2"
    assert "hvm-3.0-x86_64" in facts["xen_caps"]


def test_list_vcpu_list_uptime_dmesg(dom0):
    assert domains(dom0)["Domain-0"].state.startswith("r")
    assert "Domain-0" in dom0.check("xl vcpu-list")
    assert "Domain-0" in dom0.check("xl uptime")
    assert len(dom0.check("xl dmesg").splitlines()) > 10


def test_create_and_destroy(dom0):
    small("one").create(dom0)
    row = domains(dom0)["one"]
    assert (row.memory, row.vcpus) == (16, 1)
    dom0.check("xl destroy one")
    assert "one" not in domains(dom0)


def test_create_paused_then_run(dom0):
    small("one").create(dom0, "-p")
    row = domains(dom0)["one"]
    assert "p" in row.state and row.seconds == 0
    dom0.check("xl unpause one")
    wait_for(dom0, "xl list one | grep -vq ' 0\\.0$'", "the guest to use processor time", polls=60)


def test_a_paused_guest_uses_no_processor(dom0):
    small("one").create(dom0)
    dom0.check("xl pause one")
    before = domains(dom0)["one"]
    time.sleep(3)
    after = domains(dom0)["one"]
    assert "p" in after.state and after.seconds == before.seconds
    dom0.check("xl unpause one")
    time.sleep(3)
    assert domains(dom0)["one"].seconds > after.seconds


def test_rename(dom0):
    small("one").create(dom0)
    number = domains(dom0)["one"].number
    dom0.check("xl rename one other")
    assert domains(dom0)["other"].number == number


def test_pinning_a_vcpu(dom0):
    small("one").create(dom0)
    dom0.check("xl vcpu-pin one 0 1")
    line = dom0.check("xl vcpu-list one").splitlines()[1].split()
    assert line[-3] == "1"
    dom0.check("xl vcpu-pin one 0 all")
    assert "all / all" in dom0.check("xl vcpu-list one")


def test_scheduler_parameters(dom0):
    small("one").create(dom0)
    dom0.check("xl sched-credit2 -d one -w 512 -c 50")
    assert dom0.check("xl sched-credit2 -d one").splitlines()[-1].split()[-2:] == ["512", "50"]
    assert "Domain-0" in dom0.check("xl sched-credit2")


def test_xentop_shows_all_domains(dom0):
    small("one").create(dom0)
    screen = dom0.check("xentop -b -i 1")
    assert "Domain-0" in screen and "one" in screen


def test_debug_key_help(dom0):
    dom0.check("xl debug-keys h")
    assert "show this message" in dom0.check("xl dmesg") or "help" in dom0.check("xl dmesg").lower()


def test_memory_comes_back(dom0):
    small("warm-up").create(dom0)
    dom0.check("xl destroy warm-up")
    wait_until_gone(dom0, "warm-up")
    before = information(dom0)["free_memory"]
    for _ in range(3):
        small("one", memory=64).create(dom0)
        dom0.check("xl destroy one")
    wait_for(dom0, f"xl info free_memory | grep -qx {before} || xl info | grep -q 'free_memory  *: {before}$'",
             "all memory to come back", polls=60)


def test_xenperf_tells_what_the_hypervisor_counts(dom0, hypervisor):
    if hypervisor == "xen":
        pytest.skip("Debian's Xen is built without counters")
    total = lambda name: int(dom0.check("xenperf").split(name, 1)[1].split("T=")[1].split()[0])
    before = total("hypercall: sysctl")
    assert before > 0 and total("exit: hypercall") > before and total("done: vCPU switched in") > 0
    dom0.check("xenperf -r")
    assert 0 < total("hypercall: sysctl") < before
    dom0.check("xl debug-keys c")
    assert "exit: " in dom0.check("xl dmesg")

    dom0.check("xl debug-keys e")
    assert "domain 0: event channels" in dom0.check("xl dmesg")
