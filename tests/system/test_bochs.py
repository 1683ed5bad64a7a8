# SPDX-License-Identifier: MIT
"""Debian's dom0 and a Linux guest on an Intel processor with VMX and EPT, which only Bochs emulates.

An ISO boots by GRUB to dom0's shell; `xl create` brings a guest to its prompt, with a disk and a network card that carry
what was sent; the machine is switched off. The tests of one machine tell this story in their order.
"""
import pytest

from bochs_machine import BochsMachine
from guests import Guest, checksum, domains, fill, information, wait_until_gone
from machine import BUILD, Scenario

MODEL = "corei7_skylake_x"
# What takes Bochs long and is no business of ours: the kernel's tests of its ciphers, a page table for user mode. And
# Bochs 2.7 has XSAVEC put AVX registers where XRSTOR does not look: programs lose them when the kernel switches.
KERNEL_OPTIONS = ("quiet", "cryptomgr.notests", "mitigations=off", "clearcpuid=xsavec")
GUEST_SETTINGS = {"cpuid": "host,xsavec=0"}
DISK_SIZE = 4  # MiB


@pytest.fixture(scope="module", params=[pytest.param(1, marks=pytest.mark.fast), pytest.param(2, marks=pytest.mark.slow)],
                ids=["one-cpu", "two-cpus"])
def machine(request, hypervisor):
    if hypervisor == "xen":
        pytest.skip("without an IOMMU, Xen has no PVH dom0")
    scenario = Scenario(cpus=request.param, memory=1024, dom0_memory=512, iommu="none", kernel_options=KERNEL_OPTIONS)
    with BochsMachine(scenario, BUILD / "system-logs" / f"bochs-{request.param}.log", MODEL) as running:
        yield running.boot()


def test_dom0_runs_on_every_cpu(machine, dom0):
    assert dom0.check("nproc").strip() == str(machine.scenario.cpus)
    assert " xsavec" not in dom0.check("grep -m 1 ^flags /proc/cpuinfo")
    assert information(dom0)["nr_cpus"] == str(machine.scenario.cpus)
    assert "CPU virtualization | in use | VMX" in dom0.check("xl dmesg")
    assert domains(dom0)["Domain-0"].vcpus == machine.scenario.cpus


def test_guest_with_disk_and_network(machine, dom0):
    dom0.check(f"truncate -s {DISK_SIZE}M /root/disk.img")
    guest = Guest("tiny", vcpus=machine.scenario.cpus, address="10.0.2.21",
                  disks=("format=raw, vdev=xvda, access=rw, target=/root/disk.img",), settings=GUEST_SETTINGS)
    machine.console.send(f"xl create -c {guest.write(dom0)}\n")
    machine.expect("tiny guest is up", timeout=3600)
    shell = machine.guest_shell("tiny").attach()
    assert shell.check("nproc").strip() == str(machine.scenario.cpus)
    assert " xsavec" not in shell.check("grep -m 1 ^flags /proc/cpuinfo")
    shell.check("ping -c 3 -W 30 10.0.2.15 && ping6 -c 3 -W 30 fd00::15")
    shell.check(f"{fill(DISK_SIZE)} | dd of=/dev/xvda bs=1M iflag=fullblock oflag=direct", timeout=1800)
    written = checksum(shell, "dd if=/dev/xvda bs=1M iflag=direct 2>/dev/null")
    machine.leave_console()

    dom0.check("ping -c 3 -W 30 10.0.2.21 && ping6 -c 3 -W 30 fd00::21")
    assert domains(dom0)["tiny"].memory == guest.memory
    dom0.check("xl shutdown tiny")
    wait_until_gone(dom0, "tiny")
    assert checksum(dom0, "cat /root/disk.img") == written != checksum(dom0, f"head -c {DISK_SIZE << 20} /dev/zero")


def test_power_off_ends_the_machine(machine, dom0):
    machine.console.send("poweroff\n")
    machine.expect_end()
