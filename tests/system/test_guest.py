# SPDX-License-Identifier: MIT
"""A Linux guest's life as its owner sees it: console, shutdown, reboot, memory, hot plugging."""
import pytest

from guests import FOLDER, Guest, domains, wait_for, wait_until_gone
from machine import DOM0

# dom0's own kernel, as a disk: guests can use it too.
GENERIC = f"{FOLDER}/generic"
SCENARIO = {"qemu_options": ("-drive", f"if=none,id=generic,format=raw,readonly=on,file={DOM0 / 'vmlinuz'}",
                             "-device", "nvme,serial=generic,drive=generic")}


@pytest.mark.fast
@pytest.mark.core
def test_create_with_console_and_leave_it(machine, dom0):
    guest = Guest("tiny")
    path = guest.write(dom0)
    machine.console.send(f"xl create -c {path}\n")
    machine.expect("tiny guest is up", timeout=1800)
    machine.leave_console()
    assert domains(dom0)["tiny"].memory == 128
    with machine.guest_console("tiny") as shell:
        assert shell.check("nproc").strip() == "1"
        assert shell.check("cat /sys/hypervisor/type").strip() == "xen"
    dom0.check("xl sysrq tiny h")
    wait_for(dom0, f"grep -qi sysrq {guest.log}", "the guest to react to sysrq", polls=60)
    dom0.check("xl shutdown tiny")
    wait_until_gone(dom0, "tiny")


@pytest.mark.fast
def test_the_example_of_the_greeting(machine, dom0):
    machine.console.send("xl create -c /etc/xen/tiny.cfg\n")
    machine.expect("tiny guest is up", timeout=1800)
    machine.console.send("poweroff\n")
    machine.dom0.attach()
    wait_until_gone(dom0, "tiny")


@pytest.mark.fast
@pytest.mark.core
def test_reboot_by_the_toolstack(dom0):
    guest = Guest("tiny").create(dom0).wait_until_up(dom0)
    old = domains(dom0)["tiny"].number
    dom0.check(f"xl reboot tiny")
    wait_for(dom0, f"xl domid tiny | grep -qvx {old}", "the guest to come back with a new number")
    wait_for(dom0, f"[ $(grep -c 'tiny guest is up' {guest.log}) -eq 2 ]", "the guest to boot again")


@pytest.mark.fast
@pytest.mark.parametrize("vcpus, memory", [(1, 128), (2, 128), (1, 1024), (2, 1024)])
@pytest.mark.parametrize("kernel", ["cloud", "generic"])
def test_sizes(machine, dom0, kernel, vcpus, memory):
    if kernel == "generic":
        dom0.check(f"[ -e {GENERIC} ] || cat /dev/nvme0n1 >{GENERIC}")
    file = GENERIC if kernel == "generic" else Guest.kernel
    Guest("tiny", kernel=file, vcpus=vcpus, memory=memory).create(dom0).wait_until_up(dom0)
    row = domains(dom0)["tiny"]
    assert (row.memory, row.vcpus) == (memory, vcpus)
    with machine.guest_console("tiny") as shell:
        assert shell.check("nproc").strip() == str(vcpus)
        assert ("cloud" in shell.check("uname -r")) == (kernel == "cloud")
        total = int(shell.check("grep MemTotal /proc/meminfo").split()[1]) // 1024
        assert memory * 0.6 < total <= memory


@pytest.mark.fast
@pytest.mark.core
def test_memory_shrinks_and_grows(dom0):
    Guest("tiny", memory=256).create(dom0).wait_until_up(dom0)
    for target in (200, 256):
        dom0.check(f"xl mem-set tiny {target}")
        wait_for(dom0, f"xl list tiny | grep -q '  {target}  '", f"the guest to have {target} MiB", polls=120)


@pytest.mark.fast
@pytest.mark.core
def test_processors_come_and_go(machine, dom0):
    Guest("tiny", vcpus=2).create(dom0).wait_until_up(dom0)
    dom0.check("xl vcpu-set tiny 1")
    with machine.guest_console("tiny") as shell:
        wait_for(shell, "[ $(nproc) -eq 1 ]", "the second processor to go", polls=60)
    assert [line.split()[4] for line in dom0.check("xl vcpu-list tiny").splitlines()[1:]][1] == "--p"
    dom0.check("xl vcpu-set tiny 2")
    with machine.guest_console("tiny") as shell:
        # It is there then, and starts when the guest wants it: elsewhere udev does.
        processor = "/sys/devices/system/cpu/cpu1/online"
        wait_for(shell, f"[ -e {processor} ] && echo 1 >{processor}", "the second processor to come back", polls=60)
        assert shell.check("nproc").strip() == "2"


@pytest.mark.fast
@pytest.mark.core
def test_disks_and_cards_come_and_go(machine, dom0):
    Guest("tiny").create(dom0).wait_until_up(dom0)
    dom0.check("truncate -s 16M /tmp/b.img")
    for _ in range(2):
        dom0.check("xl block-attach tiny format=raw,vdev=xvdb,access=rw,target=/tmp/b.img")
        dom0.check("xl network-attach tiny bridge=xenbr0")
        assert "xvdb" in dom0.check("xl block-list tiny; xenstore-ls /local/domain/0/backend/vbd")
        with machine.guest_console("tiny") as shell:
            wait_for(shell, "[ -b /dev/xvdb ] && [ -e /sys/class/net/eth0 ]", "the new devices", polls=60)
            shell.check("dd if=/dev/zero of=/dev/xvdb bs=1M count=16 oflag=direct")
        dom0.check("xl block-detach tiny xvdb")
        dom0.check("xl network-detach tiny $(xl network-list tiny | tail -n 1 | cut -d' ' -f1)")
        with machine.guest_console("tiny") as shell:
            wait_for(shell, "! [ -b /dev/xvdb ] && ! [ -e /sys/class/net/eth0 ]", "the devices to go", polls=60)
