# SPDX-License-Identifier: MIT
"""The package on a Debian machine, by BIOS and by UEFI: installed, found by Debian's own GRUB scripts, booted through the
entry they made, removed without a trace, and Debian boots as before."""
import os
import shutil
import subprocess

import pytest

from bare import Bare
from guests import domains, information
from machine import BUILD, FIRMWARE_UEFI, ROOT
from shell import Shell

PACKAGE = BUILD / "hospes_0.1_amd64.deb"
TRACES = "find /boot /etc /usr /var/lib/dpkg -name '*hospes*'"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def disk(hypervisor, tmp_path_factory):
    trees = sorted(BUILD.glob("dom0*/cache/live-tree-*/root.tar"))
    if hypervisor != "hospes" or not PACKAGE.exists() or not trees:
        pytest.skip("`make deb live` comes first")
    if os.geteuid() != 0:
        pytest.skip("loop devices are root's")
    image = tmp_path_factory.mktemp("install") / "disk.img"
    subprocess.run([ROOT / "packaging/make_disk", image, PACKAGE, trees[-1].parents[2]], check=True)
    return image


def debian_shell(machine):
    """The machine without a hypervisor below."""
    machine.expect("no hypervisor below", machine.BOOT_TIMEOUT)
    machine.expect("init: setting up the bridge")
    return Shell(machine.console, "debian", "[ ! -S /run/xenstored/socket ]", "bash --norc --noediting").attach()


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_install_boot_remove(disk, start, tmp_path, firmware):
    image = tmp_path / "disk.img"
    shutil.copy(disk, image)
    flash = ["-bios", FIRMWARE_UEFI] if firmware == "uefi" else []
    wanted = Bare((*flash, "-drive", f"if=ide,format=raw,file={image}"), memory=3072, iommu="amd", reboot=True)
    machine = start(wanted)

    debian = debian_shell(machine)
    before = debian.check(TRACES)
    debian.check("dpkg -i /root/hospes.deb", timeout=600)
    debian.check("sed -i 's/^#GRUB_DEFAULT/GRUB_DEFAULT/' /etc/default/grub.d/hospes.cfg && update-grub", timeout=600)
    assert "xen-hospes.gz" in debian.check("cat /boot/grub/grub.cfg")
    assert "/usr/share/man/man8/hospes.8.gz" in debian.check("dpkg -L hospes")  # the image leaves manual pages out
    machine.console.send("reboot\n")

    machine.expect("(hospes) ")
    machine.expect("init: setting up the bridge", machine.BOOT_TIMEOUT)
    machine.dom0.attach()
    assert "Domain-0" in domains(machine.dom0)
    assert information(machine.dom0)["xen_major"] == "4"
    rows = machine.dom0.check("hospes-verdict")
    assert ("UEFI, loaded by GRUB" if firmware == "uefi" else "BIOS, loaded by GRUB") in rows

    machine.dom0.check("dpkg --purge hospes", timeout=600)
    assert machine.dom0.check(TRACES) == before
    assert "hospes" not in machine.dom0.check("cat /boot/grub/grub.cfg")
    machine.console.send("reboot\n")

    debian_shell(machine)
    machine.console.send("poweroff\n")
    assert machine.expect_end() == 0
