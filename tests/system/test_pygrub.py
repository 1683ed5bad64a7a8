# SPDX-License-Identifier: MIT
"""A whole Debian boots from its own disk: pygrub takes kernel and RAM disk from the guest's GRUB menu."""
import pytest

from guests import domains, wait_until_gone
from machine import DOM0, release_of

pytestmark = pytest.mark.fast
SCENARIO = {"root": "nvme"}


def test_debian_guest_from_its_own_disk(machine, dom0):
    machine.console.send("xl create -c /etc/xen/debian.cfg\n")
    machine.expect("debian login:", timeout=1800)
    machine.console.send("root\n")
    shell = machine.guest_shell("debian").attach(timeout=300)
    assert release_of(DOM0).debian in shell.check("cat /etc/os-release")
    assert "/dev/xvda" in shell.check("df /")
    machine.leave_console()
    assert domains(dom0)["debian"].memory == 384
    dom0.check("xl shutdown debian")
    wait_until_gone(dom0, "debian")
