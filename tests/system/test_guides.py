# SPDX-License-Identifier: MIT
"""docs/administering-guests.md, command by command, as somebody new would type it on the live medium."""
import pytest

from guests import domains, wait_for, wait_until_gone
from machine import BUILD

SCENARIO = {"boot": "iso", "medium": "hospes-live.iso", "memory": 3584}
DISK = "/var/lib/xen/guests/data.img"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not (BUILD / SCENARIO["medium"]).exists(), reason="`make live` builds the medium")]


def start_tiny(dom0):
    dom0.check("xl create /etc/hospes/tiny.cfg", timeout=600)
    wait_for(dom0, "grep -q 'tiny guest is up' /var/log/xen/console/guest-tiny.log", "tiny to boot")


def test_start_look_and_stop(machine, dom0):
    start_tiny(dom0)
    assert "tiny" in domains(dom0)
    with machine.guest_console("tiny") as guest:
        guest.check("true")
    for command in ("xl vcpu-list", "xl sched-credit2", "xl dmesg", "hospes-verdict --json", "xentop -b -i 1"):
        dom0.check(command)
    dom0.check("xl shutdown -w tiny", timeout=600)
    wait_until_gone(dom0, "tiny")  # its keeper, xl itself, may need a moment more


def test_a_disk_comes_and_goes(machine, dom0):
    start_tiny(dom0)
    dom0.check(f"truncate -s 4G {DISK}")
    dom0.check(f"xl block-attach tiny format=raw,vdev=xvdb,access=rw,target={DISK}", timeout=600)
    with machine.guest_console("tiny") as guest:
        assert "xvdb" in guest.check("until grep xvdb /proc/partitions; do sleep 1; done")
    assert "51728" in dom0.check("xl block-list tiny")
    dom0.check("xl block-detach tiny xvdb", timeout=600)
    with machine.guest_console("tiny") as guest:
        guest.check("while grep xvdb /proc/partitions; do sleep 1; done")


def test_start_with_the_machine(dom0):
    """What the xendomains service calls at start and end; the live medium has no service manager."""
    dom0.check("mkdir -p /etc/xen/auto && ln -s /etc/hospes/tiny.cfg /etc/xen/auto/")
    xendomains = "$(echo /usr/lib/xen-*/bin/xendomains)"
    dom0.check(f"mkdir -p /var/lock/subsys; {xendomains} start", timeout=900)
    assert "tiny" in domains(dom0)
    wait_for(dom0, "grep -q 'tiny guest is up' /var/log/xen/console/guest-tiny.log", "tiny to boot")
    dom0.check("xl shutdown tiny", timeout=600)
    wait_until_gone(dom0, "tiny")
