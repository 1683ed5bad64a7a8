# SPDX-License-Identifier: MIT
"""hospes.efi, started by the firmware's boot manager from an EFI system partition: what it says about mistakes, and
dom0 with its clock, its end and its restart. GRUB's way on UEFI is in test_boot.py, test_live.py and test_install.py."""
import shutil
import subprocess
from pathlib import Path

import pytest

from bare import Bare, system_partition
from guests import domains
from guides import commands
from machine import BUILD, DOM0

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

    def begin(configuration, files=None, firmware=None, **settings):
        return start(Bare(system_partition(tmp_path, files or {}, configuration, firmware), **settings))
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


SECURE = Path("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd")
TEST_KEY = Path("/usr/share/ovmf/PkKek-1-snakeoil.key")  # of no worth: its certificate is in the variables below


@pytest.mark.fast
@pytest.mark.parametrize("is_signed", [True, False], ids=["signed", "unsigned"])
def test_secure_boot_starts_what_a_key_of_ones_own_has_signed(boot, tmp_path, is_signed):
    image = tmp_path / "signed.efi"
    if is_signed:
        subprocess.run(["openssl", "rsa", "-in", TEST_KEY, "-passin", "pass:snakeoil", "-out", tmp_path / "key"], check=True)
        for line in commands("installing.md", "sign", **{"own.key": f"{tmp_path}/key", "own.pem": str(TEST_KEY.with_suffix(".pem")),
                                                         "hospes-signed.efi": str(image), "build/hospes.efi": f"{BUILD}/hospes.efi"}):
            subprocess.run(line.split(), check=True)
    else:
        shutil.copy(BUILD / "hospes.efi", image)
    variables = tmp_path / "variables"
    shutil.copy(SECURE.with_name("OVMF_VARS_4M.snakeoil.fd"), variables)
    flash = ["-machine", "smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on",
             "-drive", f"if=pflash,format=raw,readonly=on,file={SECURE}", "-drive", f"if=pflash,format=raw,file={variables}"]
    machine = boot(None, {"BOOTX64.EFI": image}, firmware=flash)
    machine.expect("hospes.efi: cannot find hospes.cfg" if is_signed else "Access Denied")


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
