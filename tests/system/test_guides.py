# SPDX-License-Identifier: MIT
"""The guides of docs/, command by command, as somebody new would type them on the live medium: the commands come from there
(tests/tools/guides.py)."""
import re

import pytest

from guests import domains, wait_for, wait_until_gone
from machine import BUILD
from guides import commands  # machine.py says where it is

SCENARIO = {"boot": "iso", "medium": "hospes-live.iso", "memory": 3584}
DISK = "/var/lib/xen/guests/data.img"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not (BUILD / SCENARIO["medium"]).exists(), reason="`make live` builds the medium")]


def run(dom0, lines):
    """What each of the commands says."""
    return [dom0.check(line, timeout=900) for line in lines]


@pytest.fixture(autouse=True)
def no_old_log(dom0):
    """A shutdown that is asked for before the guest's kernel listens is lost: wait_for_tiny() must not see an earlier guest's word."""
    dom0.check("rm -f /var/log/xen/console/guest-tiny.log")


def wait_for_tiny(dom0):
    wait_for(dom0, "grep -q 'tiny guest is up' /var/log/xen/console/guest-tiny.log", "tiny to boot")


@pytest.fixture
def tiny(dom0):
    dom0.check("xl create /etc/hospes/tiny.cfg", timeout=600)
    wait_for_tiny(dom0)
    return dom0


def blocks_seen(machine, pattern):
    """What tiny's list of disks has, once this is among it."""
    with machine.guest_console("tiny") as guest:
        return guest.check(f"until grep -E '{pattern}' /proc/partitions; do dd if=/dev/xvdb of=/dev/null count=1; sleep 1; done")


# --- the first ten minutes ---

def test_first_steps(machine, dom0):
    everything = "".join(run(dom0, commands("first-steps.md", "where")))
    assert "Domain-0" in everything and "CPU virtualization" in everything
    create, console = commands("first-steps.md", "guest")
    dom0.check(create, timeout=600)
    wait_for_tiny(dom0)
    with machine.guest_console("tiny", console) as guest:
        guest.check("true")
    assert "tiny" in "".join(run(dom0, commands("first-steps.md", "look")))
    pause, unpause, save, restore, shutdown = commands("first-steps.md", "life")
    run(dom0, [pause, unpause, save])
    assert "tiny" not in domains(dom0)
    dom0.check(restore, timeout=900)
    with machine.guest_console("tiny") as guest:
        guest.check("true")
    dom0.check(shutdown, timeout=600)
    wait_until_gone(dom0, "tiny")  # its keeper, xl itself, may need a moment more


# --- administering ---

def test_start_look_and_stop(dom0):
    create, *looks, shutdown = commands("administering-guests.md", "life")
    dom0.check(create, timeout=600)
    wait_for_tiny(dom0)
    assert "tiny" in "".join(run(dom0, [*looks, *commands("administering-guests.md", "log")]))
    dom0.check(shutdown, timeout=600)
    wait_until_gone(dom0, "tiny")


def test_a_disk_comes_and_goes(machine, tiny):
    create, attach, look, detach = commands("administering-guests.md", "disk")
    run(tiny, [create, attach])
    assert "xvdb" in blocks_seen(machine, "xvdb")
    assert "51728" in tiny.check(look)
    tiny.check(detach, timeout=600)
    with machine.guest_console("tiny") as guest:
        guest.check("while grep xvdb /proc/partitions; do sleep 1; done")


def test_volumes_grow_and_are_backed_up(machine, tiny):
    run(tiny, [commands("administering-guests.md", "disk")[0], *commands("administering-guests.md", "volumes")])
    assert "262144" in blocks_seen(machine, " 262144 xvdb")
    run(tiny, commands("administering-guests.md", "larger"))
    assert "524288" in blocks_seen(machine, " 524288 xvdb")
    with machine.guest_console("tiny") as guest:
        guest.check("dd if=/dev/urandom of=/dev/xvdb bs=1M count=8 && sync")
    assert "qcow2" in run(tiny, commands("administering-guests.md", "backup"))[-1]
    run(tiny, commands("administering-guests.md", "back"))
    tiny.check("xl block-detach tiny xvdb", timeout=600)
    tiny.check("vgremove -f vg0 && losetup -d /dev/loop7")


def test_a_qcow2_disk(machine, tiny):
    lines = commands("administering-guests.md", "qcow2")
    run(tiny, lines[:-2])
    with machine.guest_console("tiny") as guest:
        guest.check("until grep ' 1048576 xvdc' /proc/partitions; do sleep 1; done")
    run(tiny, lines[-2:])


def test_memory_and_cpus(tiny):
    less, more, cpus = commands("administering-guests.md", "memory")
    tiny.check(less)
    wait_for(tiny, "[ $(xl list tiny | awk 'END { print $3 }') -le 96 ]", "memory to come back")
    tiny.check(more)
    wait_for(tiny, "[ $(xl list tiny | awk 'END { print $3 }') -ge 127 ]", "memory to be taken")
    tiny.check(cpus)


def test_start_with_the_machine(dom0):
    """What the xendomains service calls at start and end; the live medium has no service manager."""
    run(dom0, commands("administering-guests.md", "auto"))
    xendomains = "$(echo /usr/lib/xen-*/bin/xendomains)"
    dom0.check(f"mkdir -p /var/lock/subsys; {xendomains} start", timeout=900)
    assert "tiny" in domains(dom0)
    wait_for_tiny(dom0)
    assert "XENDOMAINS_SAVE=/var/lib/xen/save" in dom0.check("cat /etc/default/xendomains")
    assert "XENCONSOLED_ARGS" in dom0.check("cat /etc/init.d/xen")
    assert dom0.run("grep XENCONSOLED_TRACE /etc/init.d/xen")[0] == 1, "the guide says that it is not read"
    run(dom0, commands("from-xen.md", "stop"))
    wait_until_gone(dom0, "tiny")
    dom0.check("rm /etc/xen/auto/tiny.cfg")


# --- the network ---

def test_cards_on_bridges(machine, tiny):
    attach, listed, ports, detach = commands("networking.md", "bridge")
    tiny.check(attach, timeout=600)
    wait_for(tiny, f"[ $({listed} | grep -c ' 4 ') = 2 ]", "the second card to be connected")
    assert len(re.findall(r"\bvif\d+\.\d", tiny.check(ports))) == 2
    tiny.check(detach, timeout=600)

    # From here on the card that is attached is the second again: eth1.
    run(tiny, commands("networking.md", "own"))
    port = tiny.check("ip -o link show master guests0 | sed 's/.*: \\(vif[0-9.]*\\):.*/\\1/'").strip()
    ping = "ip addr flush dev eth1; ip addr add 10.9.0.2/24 dev eth1; ip link set eth1 up; ping -c 3 10.9.0.1"
    with machine.guest_console("tiny") as guest:
        guest.check("until [ -e /sys/class/net/eth1 ]; do sleep 1; done")
        guest.check(f"until {ping}; do sleep 1; done")
    shown = run(tiny, commands("networking.md", "filtering", PORT=port))[-1]
    assert re.search(r"\b10 PVID Egress Untagged", shown)
    with machine.guest_console("tiny") as guest:
        assert guest.run("ping -c 2 -W 2 10.9.0.1")[0] != 0, "it is in another VLAN now than dom0"
    tiny.check("xl network-detach tiny 1; ip link del guests0", timeout=600)


def test_a_routed_card(machine, tiny):
    tiny.check("ln -sf /bin/busybox /sbin/ifconfig")  # of net-tools, which the medium has not
    tiny.check("until ip -4 addr show xenbr0 | grep inet; do sleep 1; done")
    forward, attach, route = commands("networking.md", "routed")
    run(tiny, [forward, attach])
    wait_for(tiny, "ip route show | grep -q '^10.8.0.2 dev vif'", "the route")
    assert re.search(r"dev vif\d+\.1", tiny.check(route))


def test_a_tagged_interface(dom0):
    run(dom0, commands("networking.md", "tagged"))
    assert "vlan10" in dom0.check("ip -d link show xenbr0.10")
    dom0.check("ip link del vlan10; ip link del xenbr0.10")


# --- from Xen, and when something goes wrong ---

def test_which_hypervisor_runs(dom0):
    changesets = run(dom0, commands("from-xen.md", "which"))
    assert changesets[0].strip() in changesets[1] and "hospes" in changesets[1]


def test_what_a_report_needs(dom0):
    report = run(dom0, commands("troubleshooting.md", "report"))
    assert "loaded by" in report[0] and "CPU virtualization" in report[1] and "xen_changeset" in report[2]
    installed, version = run(dom0, commands("troubleshooting.md", "tools"))
    assert "/usr/lib/xen-" + ".".join(version.split()) in installed.split()
