# SPDX-License-Identifier: MIT
"""A disk controller that makes further ones (SR-IOV): dom0 uses them, and the IOMMU knows each by its own id."""
import pytest

from functions import address_of, functions, interrupts
from guests import checksum, checksum_of, wait_for

pytestmark = pytest.mark.slow
CONTROLLER = "0000:01:00"
# The controller's queues and interrupts have to be shared out by a command of its own, for which dom0 has no program.
# (NVM Express 1.4, section 5.22; linux/nvme_ioctl.h)
MANAGE = """
import fcntl, struct, sys
VIRTUALIZATION_MANAGEMENT, ADMIN_COMMAND = 0x1c, 0xc0484e41
with open("/dev/nvme0") as disk:
    for argument in sys.argv[1:]:
        controller, resource, action, count = map(int, argument.split(","))
        words = (controller << 16 | resource << 8 | action, count, 0, 0, 0, 0)
        command = struct.pack("<BBH3I2Q2I6I2I", VIRTUALIZATION_MANAGEMENT, *[0] * 9, *words, 0, 0)
        fcntl.ioctl(disk, ADMIN_COMMAND, bytearray(command))
"""
QUEUES, INTERRUPTS = 0, 1
KEEP, ASSIGN, ONLINE = 1, 8, 9


def manage(dom0, *orders):
    """Each order: (controller, resource, action, count)."""
    dom0.check("python3 /tmp/manage.py " + " ".join(",".join(map(str, order)) for order in orders))


@pytest.mark.parametrize("iommu", ["amd", "intel"])
def test_virtual_functions_of_a_disk(scenario, start, hypervisor, blob, iommu):
    options = ("-device", "pcie-root-port,id=slot1,chassis=1,slot=1", "-device", "nvme-subsys,id=shared,nqn=shared",
               "-device", "nvme,bus=slot1,subsys=shared,serial=x,sriov_max_vfs=2,max_ioqpairs=8,msix_qsize=10,"
                          "sriov_vq_flexible=4,sriov_vi_flexible=2",
               "-drive", f"if=none,id=blob,format=raw,snapshot=on,file={blob}", "-device", "nvme-ns,drive=blob")
    # On its own disk dom0 has Python, which can speak to the controller.
    machine = start(scenario(root="virtio-blk", iommu=iommu, qemu_options=options,
                             kernel_options=("nvme_core.multipath=0",))).boot()
    dom0 = machine.dom0
    dom0.check("modprobe nvme")
    wait_for(dom0, "[ -b /dev/nvme0n1 ]", "the disk")
    wanted = checksum_of(blob)
    present, entries = functions(dom0), interrupts(dom0)

    dom0.check(f"cat >/tmp/manage.py <<'END'{MANAGE}END")
    manage(dom0, (0, QUEUES, KEEP, 0), (0, INTERRUPTS, KEEP, 0))
    dom0.check("echo 1 >/sys/class/nvme/nvme0/reset_controller")
    # The driver may have them once they have queues.
    dom0.check(f"cd /sys/bus/pci/devices/{CONTROLLER}.0; echo 0 >sriov_drivers_autoprobe; echo 2 >sriov_numvfs;"
               "echo 1 >sriov_drivers_autoprobe")
    virtual = {address_of("1", "0", "1"), address_of("1", "0", "2")}
    assert functions(dom0) - present == virtual
    for number in (1, 2):
        manage(dom0, (number, QUEUES, ASSIGN, 2), (number, INTERRUPTS, ASSIGN, 1), (number, 0, ONLINE, 0))
        dom0.check(f"echo {CONTROLLER}.{number} >/sys/bus/pci/drivers/nvme/bind")
        wait_for(dom0, f"[ -b /dev/nvme{number}n1 ]", "its disk")
        assert checksum(dom0, f"dd if=/dev/nvme{number}n1 bs=1M iflag=direct 2>/dev/null") == wanted
    if hypervisor == "hospes":
        assert set(interrupts(dom0).values()) - set(entries.values()) == virtual, "each by its own id"

    for number in (1, 2):
        dom0.check(f"echo {CONTROLLER}.{number} >/sys/bus/pci/drivers/nvme/unbind")
    dom0.check(f"echo 0 >/sys/bus/pci/devices/{CONTROLLER}.0/sriov_numvfs")
    assert functions(dom0) == present
    assert set(interrupts(dom0).values()) == set(entries.values()), "they may raise nothing any more"
    assert checksum(dom0, "dd if=/dev/nvme0n1 bs=1M iflag=direct 2>/dev/null") == wanted
    assert "refused" not in dom0.check("xl dmesg")
