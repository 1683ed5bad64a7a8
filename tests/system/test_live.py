# SPDX-License-Identifier: MIT
"""The live medium, by BIOS and by UEFI: from GRUB's menu to dom0's shell, its example guests, remote access, and back off."""
import json

import pytest

from guests import domains, wait_until_gone
from machine import BUILD

MEDIUM = "hospes-live.iso"
MOST_BYTES = 400 << 20
MEMORY = 3584  # the medium gives 2 GiB of it to dom0


@pytest.fixture(scope="module", autouse=True)
def medium(hypervisor):
    if hypervisor != "hospes" or not (BUILD / MEDIUM).exists():
        pytest.skip("no live medium: `make live` builds it")


@pytest.fixture
def live(scenario, start):
    """Boots an entry of the medium's menu; its hotkey chooses one."""
    def boot(firmware, hotkey="h", **settings):
        machine = start(scenario(boot=firmware, medium=MEDIUM, memory=MEMORY, **settings))
        machine.expect("without IOMMU")
        machine.console.send(hotkey)
        return machine
    return boot


def power_off(machine):
    machine.console.send("poweroff\n")
    assert machine.expect_end() == 0


def start_tiny(machine):
    with machine.guest_console("tiny", "xl create -c /etc/hospes/tiny.cfg") as guest:
        assert "xen" in guest.check("cat /sys/hypervisor/type")
        assert guest.check("ls /sys/class/net").split() == ["eth0", "lo"]


def start_debian(machine):
    release = machine.dom0.check("grep VERSION_CODENAME /etc/os-release")
    machine.console.send("xl create -c /etc/hospes/debian.cfg\n")
    machine.expect("debian login:", 600)
    machine.console.send("root\n")
    try:
        guest = machine.guest_shell("debian").attach()
        assert release in guest.check("cat /etc/os-release")
        guest.check("touch /written && sync")  # the disk can be written
    finally:
        machine.leave_console()


def start_echo(machine):
    machine.console.send("xl create -c /etc/hospes/echo.cfg\n")
    machine.expect("ring_console: type")
    for line in ("one", "two", "three", "four", "five"):
        machine.console.send(line + "\r")
        machine.expect(f"echo: {line}")
    machine.dom0.attach()


def check_remote_access(dom0):
    """sshd takes keys and nothing else."""
    dom0.check("ssh-keygen -q -t ed25519 -N '' -f /tmp/key")
    ssh = "ssh -o StrictHostKeyChecking=no -o BatchMode=yes"
    status, answer = dom0.run(f"{ssh} 127.0.0.1 true")
    assert status == 255 and "Permission denied (publickey)." in answer
    dom0.check("mkdir -p -m 700 /root/.ssh && cp /tmp/key.pub /root/.ssh/authorized_keys")
    assert "root" in dom0.check(f"{ssh} -i /tmp/key 127.0.0.1 id -un")


def check_verdict(dom0, iommu):
    rows = {row["what"]: row for row in json.loads(dom0.check("hospes-verdict --json"))}
    assert rows["CPU virtualization"]["verdict"] == "in use"
    assert rows["IOMMU"]["verdict"] == iommu
    assert "QEMU" in rows["outer hypervisor"]["found"]
    assert "CPU virtualization" in dom0.check("hospes-verdict")


def check_top(machine):
    """On the serial line, which does not know its size."""
    machine.console.send("hospes-top -d 1\n")
    machine.expect("tiny      ")
    machine.expect("exits a second: ")
    machine.console.send("q")
    machine.dom0.attach()


def check_screen(dom0):
    """The screen greets as the serial line does; and keyboard and screen have a shell."""
    screen = dom0.check("fold -w $(stty size </dev/tty1 | cut -d' ' -f2) /dev/vcs1")
    assert "xl create -c /etc/hospes/tiny.cfg" in screen
    assert "dom0:~#" in screen.partition("poweroff")[2]


def test_it_is_small_enough():
    assert (BUILD / MEDIUM).stat().st_size < MOST_BYTES


@pytest.mark.slow
@pytest.mark.parametrize("firmware", ["iso", "uefi"])
def test_every_example_starts_with_one_command(live, firmware):
    machine = live(firmware).boot()
    check_verdict(machine.dom0, "in use")
    start_tiny(machine)
    check_top(machine)
    start_debian(machine)
    start_echo(machine)
    assert {"tiny", "debian"} <= set(domains(machine.dom0))
    wait_until_gone(machine.dom0, "echo")
    machine.dom0.check("until ip -4 addr show xenbr0 | grep inet; do sleep 1; done")
    check_remote_access(machine.dom0)
    power_off(machine)


@pytest.mark.slow
def test_without_iommu(live):
    machine = live("iso", "i", iommu="none", qemu_options=("-device", "VGA")).boot()
    check_verdict(machine.dom0, "off")
    check_screen(machine.dom0)
    power_off(machine)


@pytest.mark.slow
def test_the_default_entry_wants_an_iommu(live):
    live("iso", iommu="none").expect("no IOMMU can be used")


@pytest.mark.slow
def test_verbose(live):
    machine = live("uefi", "b")
    machine.expect("(hospes) [")
    machine.boot()
    assert "ignore_loglevel" in machine.dom0.check("cat /proc/cmdline")
    power_off(machine)


@pytest.mark.slow
def test_debian_without_hospes(live):
    machine = live("uefi", "d")
    machine.expect("the toolstack is not started")
    machine.expect("Some things to try")
    machine.console.send("poweroff\n")
    assert machine.expect_end() == 0
