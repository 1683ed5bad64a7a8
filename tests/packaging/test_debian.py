# SPDX-License-Identifier: MIT
"""Two versions of the packages in a Debian in a folder: beside each other, back again, and away without a trace."""
import os
import shutil
import subprocess

import pytest

from package import BUILD, PACKAGES, ROOT
from guides import commands  # package.py says where it is

OLD = "0.1+git20250102.030405.0123abc"
TRACES = "find /boot /etc /usr /var/lib/dpkg /var/lib/systemd -name '*hospes*'"


@pytest.fixture(scope="module")
def debian(tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("chroot is root's")
    folder = tmp_path_factory.mktemp("debian")
    root = folder / "root"
    subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "--include=systemd,python3-urwid", "bookworm", root], check=True)
    for package in PACKAGES:
        shutil.copy(package.resolve(), root / f"root/new-{package.name}")
    # An older version has the same content: its packages are made in a folder of their own, of what is built.
    older = folder / "older"
    older.mkdir()
    for name in os.listdir(BUILD):
        if name not in ("packages", "packaging"):
            (older / name).symlink_to(BUILD / name)
    shutil.copytree(BUILD / "packaging", older / "packaging", ignore=shutil.ignore_patterns("source", "*.deb"))
    subprocess.run([ROOT / "packaging/build_package", OLD, older], check=True, stdout=subprocess.DEVNULL)
    for package in PACKAGES:
        shutil.copy((older / "packages" / package.name).resolve(), root / f"root/old-{package.name}")

    def run(command):
        answer = subprocess.run(["chroot", root, "sh", "-c", command], capture_output=True, text=True, check=False)
        assert answer.returncode == 0, f"{command}:\n{answer.stdout}{answer.stderr}"
        return answer.stdout
    yield run
    shutil.rmtree(root)


def images(debian):
    return sorted(debian("cd /boot && ls hospes-*.gz").split())


def installed(debian):
    return debian("dpkg-query -W -f '${Version}' hospes")


def test_install_upgrade_go_back_purge(debian):
    before = debian(TRACES)
    debian("dpkg -i /root/old-hospes.deb /root/old-hospes-image.deb")
    assert images(debian) == [f"hospes-{OLD}.gz"]
    assert debian("systemctl is-enabled hospes-verdict.service").strip() == "enabled"
    assert not debian("ls /usr/share/doc/hospes").isspace()

    debian("dpkg -i /root/new-hospes.deb /root/new-hospes-image.deb")
    assert len(images(debian)) == 2 and f"hospes-{OLD}.gz" in images(debian)
    newer = installed(debian)
    assert newer != OLD

    image = debian("dpkg-query -W -f '${Package}\\n' 'hospes-image-*' | grep -v 20250102").strip()
    back = commands("installing.md", "back", **{"hospes_OLDER_amd64.deb": "/root/old-hospes.deb", "hospes-image-NEWER": image})
    for line in back:
        debian(line)
    assert installed(debian) == OLD
    assert images(debian) == [f"hospes-{OLD}.gz"]
    debian("dpkg -i /root/new-hospes.deb /root/new-hospes-image.deb")

    debian("dpkg -i /root/new-hospes-image-dbg.deb && test -s /usr/lib/debug/boot/hospes-*.elf")

    assert "--delay" in debian("dpkg -i /root/new-hospes-top.deb >/dev/null && hospes-top --help")

    # A menu that is written last has nothing of what is gone, in whichever order the packages go.
    debian("mkdir -p /boot/grub && touch /boot/grub/grub.cfg && printf '#!/bin/sh\\nls /boot >/root/menu\\n' >/usr/sbin/update-grub && "
           "chmod +x /usr/sbin/update-grub")
    debian("dpkg --remove hospes $(dpkg-query -W -f '${Package} ' 'hospes-image-*')")
    assert "hospes-" not in debian("cat /root/menu")
    debian("dpkg -i /root/new-hospes.deb /root/new-hospes-image.deb")
    assert "hospes-" in debian("cat /root/menu")
    debian("dpkg --remove hospes")
    debian("dpkg --remove $(dpkg-query -W -f '${Package} ' 'hospes-image-*')")
    assert "hospes-" not in debian("cat /root/menu")
    debian("rm -r /usr/sbin/update-grub /root/menu /boot/grub && dpkg -i /root/new-hospes.deb /root/new-hospes-image.deb")

    debian("systemctl disable hospes-verdict.service && dpkg -i /root/new-hospes.deb")
    assert "disabled" in debian("systemctl is-enabled hospes-verdict.service || true"), "the admin's word outlasts an upgrade"
    debian("dpkg --purge $(dpkg-query -W -f '${Package}\\n' 'hospes*')")
    assert debian(TRACES) == before
