# SPDX-License-Identifier: MIT
"""What is written to a guest's disk is what is read, in both directions; a read-only disk stays as it is."""
import pytest

from guests import Guest, checksum, fill

SCENARIO = {"dom0_memory": 2048}  # the disks are files in its memory
SIZES = [pytest.param(16, marks=[pytest.mark.fast, pytest.mark.core]), pytest.param(256, marks=pytest.mark.slow)]  # MiB


@pytest.mark.parametrize("backing", ["file", "device"])
@pytest.mark.parametrize("size", SIZES)
def test_each_way(machine, dom0, backing, size):
    dom0.check(f"{fill(size)} >/root/from.img; truncate -s {size}M /root/to.img", timeout=1800)
    before = checksum(dom0, "cat /root/from.img")
    paths = ["/root/from.img", "/root/to.img"]
    if backing == "device":
        paths = [dom0.check(f"losetup -f; losetup -f {path}").strip() for path in paths]
    disks = (f"format=raw, vdev=xvda, access=ro, target={paths[0]}", f"format=raw, vdev=xvdb, access=rw, target={paths[1]}")
    Guest("tiny", vcpus=2, disks=disks).create(dom0).wait_until_up(dom0)
    with machine.guest_console("tiny") as shell:
        assert checksum(shell, "dd if=/dev/xvda bs=1M iflag=direct 2>/dev/null") == before
        assert shell.run("dd if=/dev/zero of=/dev/xvda bs=4k count=1 oflag=direct")[0] != 0
        assert shell.check("cat /sys/block/xvda/ro").strip() == "1"
        shell.check(f"{fill(size)} | dd of=/dev/xvdb bs=1M iflag=fullblock oflag=direct; sync", timeout=1800)
        written = checksum(shell, "dd if=/dev/xvdb bs=1M iflag=direct 2>/dev/null")
    dom0.check("xl destroy tiny")
    assert checksum(dom0, "cat /root/from.img") == before
    assert checksum(dom0, "cat /root/to.img") == written != before
    if backing == "device":
        dom0.check(f"for path in {' '.join(paths)}; do losetup -d $path; done")
    dom0.check("rm /root/from.img /root/to.img")


@pytest.mark.slow
def test_a_file_system_on_the_disk(machine, dom0):
    dom0.check("truncate -s 64M /root/fs.img; mke2fs -F /root/fs.img", timeout=600)
    Guest("tiny", disks=("format=raw, vdev=xvda, access=rw, target=/root/fs.img",)).create(dom0).wait_until_up(dom0)
    with machine.guest_console("tiny") as shell:
        shell.check("mkdir -p /mnt; mount -t ext4 /dev/xvda /mnt; cp /bin/busybox /mnt/copy; umount /mnt")
        wanted = checksum(shell, "cat /bin/busybox")
    dom0.check("xl destroy tiny")
    dom0.check("mkdir -p /mnt; modprobe ext4; mount -t ext4 -o loop,ro /root/fs.img /mnt", timeout=600)
    assert checksum(dom0, "cat /mnt/copy") == wanted
    dom0.check("umount /mnt; rm /root/fs.img")
