# SPDX-License-Identifier: MIT
"""The packages on a Debian machine, by BIOS and by UEFI: installed, which changes nothing about what is started by default, booted
once and by default through the entries they made, removed without a trace, and Debian boots as before."""
import os
import shutil
import subprocess

import pytest

from bare import Bare  # which says where guides.py is
from guests import domains, information
from guides import commands
from machine import BUILD, FIRMWARE_UEFI, ROOT
from shell import Shell

PACKAGES = [BUILD / "packages/hospes.deb", BUILD / "packages/hospes-image.deb"]
TRACES = "find /boot /etc /usr /var/lib/dpkg -name '*hospes*'"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def disk(hypervisor, tmp_path_factory):
    trees = sorted(BUILD.glob("dom0*/cache/live-tree-*/root.tar"))
    if hypervisor != "hospes" or not PACKAGES[0].exists() or not trees:
        pytest.skip("`make deb live` comes first")
    if os.geteuid() != 0:
        pytest.skip("loop devices are root's")
    image = tmp_path_factory.mktemp("install") / "disk.img"
    subprocess.run([ROOT / "packaging/make_disk", image, trees[-1].parents[2], *PACKAGES], check=True)
    return image


def debian_shell(machine):
    """The machine without a hypervisor below."""
    machine.expect("no hypervisor below", machine.BOOT_TIMEOUT)
    machine.expect("init: setting up the bridge")
    return Shell(machine.console, "debian", "[ ! -S /run/xenstored/socket ]", "bash --norc --noediting").attach()


def run(shell, lines):
    """What a guide's commands say, the last of them last."""
    return "".join(shell.check(line, timeout=900) for line in lines)


def dom0_of(machine):
    machine.expect("(hospes) ")
    machine.expect("init: setting up the bridge", machine.BOOT_TIMEOUT)
    machine.dom0.attach()


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_install_boot_remove(disk, start, tmp_path, firmware):
    image = tmp_path / "disk.img"
    shutil.copy(disk, image)
    flash = ["-bios", FIRMWARE_UEFI] if firmware == "uefi" else []
    wanted = Bare((*flash, "-drive", f"if=ide,format=raw,file={image}"), memory=3072, iommu="amd", reboot=True)
    machine = start(wanted)

    debian = debian_shell(machine)
    before = debian.check(TRACES)
    debian.check("dpkg -i /root/hospes.deb /root/hospes-image.deb", timeout=900)
    run(debian, commands("installing.md", "menu"))
    assert int(run(debian, commands("troubleshooting.md", "menu"))) >= 2
    assert "'Debian GNU/Linux, with Hospes'" in debian.check("cat /boot/grub/grub.cfg")
    assert "/usr/share/man/man8/hospes.8.gz" in debian.check("dpkg -L hospes")  # the image leaves manual pages out
    machine.console.send("reboot\n")

    # Who wants to try it first asks for it once.
    debian = debian_shell(machine)
    assert len(run(debian, commands("installing.md", "entries")).split()) >= 2
    once, reboot = commands("installing.md", "once")
    debian.check(once)
    machine.console.send(f"{reboot}\n")
    dom0_of(machine)
    assert "Domain-0" in domains(machine.dom0)
    assert information(machine.dom0)["xen_major"] == "4"
    rows = run(machine.dom0, commands("installing.md", "look"))
    assert ("UEFI, loaded by GRUB" if firmware == "uefi" else "BIOS, loaded by GRUB") in rows
    machine.console.send("reboot\n")

    debian = debian_shell(machine)
    run(debian, commands("installing.md", "default"))
    machine.console.send("reboot\n")
    dom0_of(machine)

    run(machine.dom0, commands("installing.md", "remove"))
    assert machine.dom0.check(TRACES) == before
    assert "ospes" not in machine.dom0.check("cat /boot/grub/grub.cfg")
    machine.console.send("reboot\n")

    debian_shell(machine)
    machine.console.send("poweroff\n")
    assert machine.expect_end() == 0
