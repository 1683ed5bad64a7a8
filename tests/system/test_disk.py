# SPDX-License-Identifier: MIT
"""What is written to a guest's disk is what is read, in both directions; a read-only disk stays as it is."""
import pytest

from guests import Guest, checksum

pytestmark = pytest.mark.slow
SCENARIO = {"root": "nvme"}
SIZE = 256  # MiB


@pytest.mark.parametrize("backing", ["file", "device"])
def test_a_quarter_gibibyte_each_way(machine, dom0, backing):
    dom0.check(f"dd if=/dev/urandom of=/root/from.img bs=1M count={SIZE}; truncate -s {SIZE}M /root/to.img", timeout=1800)
    paths = ["/root/from.img", "/root/to.img"]
    if backing == "device":
        paths = [dom0.check(f"losetup --find --show {path}").strip() for path in paths]
    disks = (f"format=raw, vdev=xvda, access=ro, target={paths[0]}", f"format=raw, vdev=xvdb, access=rw, target={paths[1]}")
    Guest("tiny", vcpus=2, disks=disks).create(dom0).wait_until_up(dom0)
    with machine.guest_console("tiny") as shell:
        read = checksum(shell, "dd if=/dev/xvda bs=1M iflag=direct 2>/dev/null")
        assert shell.run("dd if=/dev/zero of=/dev/xvda bs=4k count=1 oflag=direct")[0] != 0
        shell.check(f"dd if=/dev/urandom of=/dev/xvdb bs=1M count={SIZE} oflag=direct; sync", timeout=1800)
        written = checksum(shell, "dd if=/dev/xvdb bs=1M iflag=direct 2>/dev/null")
    dom0.check("xl destroy tiny")
    assert read == checksum(dom0, "cat /root/from.img")
    assert written == checksum(dom0, "cat /root/to.img")
    if backing == "device":
        dom0.check(f"losetup -d {' '.join(paths)}")


def test_a_file_system_on_the_disk(machine, dom0):
    dom0.check("truncate -s 64M /root/fs.img; mke2fs -q -t ext4 -F /root/fs.img", timeout=600)
    Guest("tiny", disks=("format=raw, vdev=xvda, access=rw, target=/root/fs.img",)).create(dom0).wait_until_up(dom0)
    with machine.guest_console("tiny") as shell:
        shell.check("mkdir -p /mnt; mount -t ext4 /dev/xvda /mnt; cp /bin/busybox /mnt/copy; umount /mnt")
        wanted = checksum(shell, "cat /bin/busybox")
    dom0.check("xl destroy tiny")
    dom0.check("mount -o loop,ro /root/fs.img /mnt", timeout=600)
    assert checksum(dom0, "cat /mnt/copy") == wanted
    dom0.check("umount /mnt")
