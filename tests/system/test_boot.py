# SPDX-License-Identifier: MIT
"""dom0 reaches its shell with its toolstack, on every kind of machine, and can end or restart it."""
import pytest

from guests import domains, information
from machine import DOM0, release_of


def inspect(machine):
    """What must be true of every freshly booted dom0."""
    wanted = machine.scenario
    assert domains(machine.dom0)["Domain-0"].vcpus == (wanted.dom0_cpus or wanted.cpus)
    facts = information(machine.dom0)
    assert facts["nr_cpus"] == str(wanted.cpus)
    assert f"{facts['xen_major']}.{facts['xen_minor']}" == release_of(DOM0).xen
    assert machine.dom0.check("nproc").strip() == str(wanted.dom0_cpus or wanted.cpus)
    assert "control_d" in machine.dom0.check("cat /proc/xen/capabilities")
    assert "Using FIFO-based ABI" in machine.dom0.check("dmesg | grep xen:events")
    if wanted.nic != "none":
        machine.dom0.check("ping -c 3 -W 30 10.0.2.2")
    if wanted.root != "ram":
        # Reads the disk past the page cache, more than once round any ring of requests.
        device = {"nvme": "nvme0n1", "ahci": "sda", "virtio-blk": "vda"}[wanted.root]
        machine.dom0.check(f"dd if=/dev/{device} of=/dev/null bs=1M count=64 iflag=direct")


def power_off(machine):
    machine.console.send("poweroff\n")
    assert machine.expect_end() == 0


@pytest.mark.fast
@pytest.mark.core
def test_boots_and_powers_off(scenario, start):
    machine = start(scenario()).boot()
    inspect(machine)
    power_off(machine)


@pytest.mark.fast
def test_boots_on_one_processor(scenario, start):
    machine = start(scenario(cpus=1)).boot()
    inspect(machine)
    power_off(machine)


@pytest.mark.fast
@pytest.mark.parametrize("root", ["nvme", "ahci", "virtio-blk"])
@pytest.mark.parametrize("iommu", ["amd", "intel", "none"])
def test_boots_from_disk(scenario, start, root, iommu, hypervisor):
    if hypervisor == "xen" and iommu != "amd":
        pytest.skip("Debian's Xen does not run a PVH dom0 there")
    nic = "virtio-net" if root == "virtio-blk" else "e1000e"
    machine = start(scenario(root=root, iommu=iommu, nic=nic)).boot()
    inspect(machine)
    power_off(machine)


@pytest.mark.fast
def test_boots_with_the_other_xenstored(scenario, start):
    machine = start(scenario(kernel_options=("XENSTORED=oxenstored",))).boot()
    assert "oxenstored" in machine.dom0.check("ps aux || ps")
    inspect(machine)


@pytest.mark.fast
@pytest.mark.parametrize("boot", ["iso", "uefi"])
def test_boots_through_grub(scenario, start, boot):
    machine = start(scenario(boot=boot)).boot()
    inspect(machine)
    # The firmware's memory types are dom0's, too: without them Linux has no page attribute table either.
    assert "x86/PAT: Configuration" in machine.dom0.check("dmesg")
    assert "uncachable" in machine.dom0.check("cat /proc/mtrr")


@pytest.mark.fast
@pytest.mark.core
def test_reboot_starts_the_machine_again(scenario, start):
    machine = start(scenario(reboot=True)).boot()
    machine.console.send("reboot\n")
    machine.boot()
    inspect(machine)


@pytest.mark.fast
def test_pulls_through_many_processors(scenario, start):
    inspect(start(scenario(cpus=4, dom0_cpus=2)).boot())
