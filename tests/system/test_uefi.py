# SPDX-License-Identifier: MIT
"""hospes.efi, started by the firmware's boot manager from an EFI system partition: what it says about mistakes, and
dom0 with its clock, its end and its restart. GRUB's way on UEFI is in test_boot.py, test_live.py and test_install.py."""
import pytest

from bare import Bare, system_partition
from guests import domains
from machine import DOM0

KERNEL = "vmlinuz"
SOUND = f"""# a comment
[global]
default=debian
[debian]
options=console=vga,com1 com1=115200,8n1 loglvl=all iommu=off dom0_mem=1024M,max:1024M
kernel={KERNEL} console=hvc0 loglevel=5
ramdisk=ramdisk.img
"""


@pytest.fixture
def boot(start, tmp_path, hypervisor):
    if hypervisor != "hospes":
        pytest.skip("runs on Hospes only")

    def begin(configuration, files=None, **settings):
        return start(Bare(system_partition(tmp_path, files or {}, configuration), **settings))
    return begin


@pytest.mark.fast
@pytest.mark.parametrize("configuration, complaint", [
    (None, "cannot find hospes.cfg"),
    ("", "hospes.cfg has no line default= in a section [global]"),
    ("[global]\ndefault=nowhere\n[debian]\nkernel=vmlinuz\n", "hospes.cfg has no section [nowhere]"),
    ("[global]\ndefault=debian\n[debian]\noptions=console=com1\n", "hospes.cfg: no line kernel= in section [debian]"),
    (SOUND, "cannot find vmlinuz (paths are relative to the folder of hospes.efi)"),
], ids=["no-configuration", "no-default", "no-section", "no-kernel-line", "no-kernel"])
def test_a_mistake_is_named(boot, configuration, complaint):
    machine = boot(configuration)
    machine.expect(f"hospes.efi: {complaint}")
    if configuration is None:  # after ten seconds to read it
        machine.expect("BdsDxe:")  # the firmware goes on with what else there is


@pytest.mark.fast
def test_a_kernel_that_is_no_kernel(boot, tmp_path):
    text = tmp_path / "text"
    text.write_text("this is not a kernel\n" * 100)
    boot(SOUND, {KERNEL: text, "ramdisk.img": text}, memory=1536).expect("module 0 (the dom0 kernel) cannot be used")


@pytest.mark.slow
def test_dom0_by_the_boot_manager(boot):
    """dom0 is alive, its clock is the machine's, and it can restart and end the machine."""
    files = {KERNEL: DOM0 / "vmlinuz", "ramdisk.img": DOM0 / "ramdisk.img"}
    machine = boot(SOUND, files, memory=2048, reboot=True, qemu_options=("-rtc", "base=2031-05-06T07:08:09")).boot()
    assert domains(machine.dom0)["Domain-0"].vcpus == 2
    assert "loaded by hospes.efi" in machine.dom0.check("xl dmesg")
    assert machine.dom0.check("date -u +%Y-%m-%dT%H").strip() == "2031-05-06T07"
    # Run-time services are not offered, so dom0's kernel must not find any.
    assert machine.dom0.run("ls /sys/firmware/efi")[0] != 0
    machine.console.send("reboot\n")
    machine.boot()
    assert "Domain-0" in domains(machine.dom0)
    machine.console.send("poweroff\n")
    assert machine.expect_end() == 0
