# SPDX-License-Identifier: MIT
"""The table about the machine is true: for each thing that can be missing there is a machine that misses it, and a row
that says so and what to do. Read as an admin would, with hospes-verdict from a saved log.

No emulator offers SVM disabled in VM_CR: that row is tested in tests/unit/kernel/verdict.
"""
import json
import subprocess
import sys

import pytest

from bare import Bare, multiboot
from machine import DOM0, EMULATED_CPU, ROOT

sys.path.append(str(ROOT / "tests/guests"))
import bochs  # noqa: E402
from bochs_machines import BIOS, UNLOCKED_BIOS  # noqa: E402

OPTIONS = "console=com1 com1=115200,8n1 noreboot"
NO_IOMMU = "iommu=off"
LAST_LINES = ("verdict: IOMMU |", "halted, as noreboot asks")


def table(log):
    """Rows by name, as hospes-verdict reads them from a log."""
    answer = subprocess.run([ROOT / "packaging/hospes-verdict", "--json", "--from", "-"], input=log.replace("\r", ""), text=True,
                            stdout=subprocess.PIPE, check=True)
    return {row["what"]: row for row in json.loads(answer.stdout)}


def expect_row(log, what, verdict, found="", advice=""):
    row = table(log)[what]
    assert (row["verdict"], found in row["found"], advice in row["advice"]) == (verdict, True, True), row


@pytest.fixture
def verdict_of(start, hypervisor):
    """What QEMU's machine with these options is told, up to the end of the table or of the boot."""
    if hypervisor != "hospes":
        pytest.skip("runs on Hospes only")

    def boot(*qemu, options=NO_IOMMU, **settings):
        machine = start(Bare((*multiboot(DOM0 / "spin.elf", f"{OPTIONS} {options}"), *qemu), **settings))
        which = machine.console.expect_exact(list(LAST_LINES), timeout=120)
        log = machine.console.before + LAST_LINES[which]
        return log + machine.console.readline()
    return boot


QEMU_CASES = {
    "svm-absent": ({"cpu": "EPYC,-svm,-hypervisor"}, "CPU virtualization", "absent", "SVM", '"SVM Mode" in the firmware'),
    "svm-hidden": ({"cpu": "EPYC,-svm"}, "CPU virtualization", "absent", "SVM", "allow nested virtualization"),
    "vmx-absent": ({"cpu": "Skylake-Server,-hypervisor"}, "CPU virtualization", "absent", "VMX", '"Intel Virtualization Technology"'),
    "no-npt": ({"cpu": "EPYC,+svm,-npt"}, "nested paging", "absent", "NPT", "CPU model"),
    "nested": ({"cpu": EMULATED_CPU}, "outer hypervisor", "in use", "QEMU without KVM (TCG)", "runs nested"),
    "bare": ({"cpu": EMULATED_CPU + ",-hypervisor"}, "outer hypervisor", "absent", "bare machine", ""),
    "one-cpu": ({"cpus": 1}, "CPUs", "in use", "1 of 1", "share one CPU"),
    "little-memory": ({}, "memory", "in use", "511 MiB", "wants 1 GiB"),
    "iommu-off": ({}, "IOMMU", "off", "iommu=off", "leave the option out"),
    "iommu-absent": ({"options": ""}, "IOMMU", "absent", "", "firmware's setup"),
    "vt-d": ({"options": "", "iommu": "intel"}, "interrupt remapping", "in use", "MSI", ""),
    "amd-vi": ({"options": "", "iommu": "amd"}, "IOMMU", "in use", "AMD-Vi", ""),
}


@pytest.mark.fast
@pytest.mark.parametrize("settings, what, verdict, found, advice", QEMU_CASES.values(), ids=QEMU_CASES)
def test_one_thing_is_missing(verdict_of, settings, what, verdict, found, advice):
    expect_row(verdict_of(**settings), what, verdict, found, advice)


@pytest.mark.fast
def test_an_iommu_without_interrupt_remapping(verdict_of):
    log = verdict_of("-device", "intel-iommu,intremap=off", options="")
    expect_row(log, "interrupt remapping", "absent", "do not offer it", "any interrupt")
    expect_row(log, "IOMMU", "in use", "VT-d")


@pytest.mark.fast
@pytest.mark.parametrize("signature", ["DMAR", "IVRS"])
def test_tables_that_lie(verdict_of, tmp_path, signature):
    """A firmware that announces units which cannot be: not the same as none."""
    lie = tmp_path / "table"
    lie.write_bytes(b"\xff" * 100)
    log = verdict_of("-acpitable", f"sig={signature},data={lie}", options="")
    expect_row(log, "IOMMU", "broken", "", "update a firmware whose tables are wrong")


@pytest.fixture
def verdict_on_bochs(hypervisor, tmp_path):
    """What Bochs' machine is told: VMX is emulated nowhere else."""
    if hypervisor != "hospes":
        pytest.skip("runs on Hospes only")

    def boot(model, setup="", bios=BIOS):
        image, _, _ = bochs.run.hypervisor("hospes")
        iso = bochs.make_iso(tmp_path, image, f"{OPTIONS} {NO_IOMMU}", DOM0 / "spin.elf", "", setup)
        return bochs.boot(tmp_path, model, 1, 512, iso, lambda text: LAST_LINES[1] in text, 300, bios=bios)
    return boot


@pytest.mark.fast
def test_no_unrestricted_guest(verdict_on_bochs):
    expect_row(verdict_on_bochs("corei5_lynnfield_750"), "unrestricted guest", "absent", "real mode", "before 2010")


@pytest.mark.fast
def test_vmx_locked_off(verdict_on_bochs):
    """Here GRUB locks the MSR with VMX left out. (SDM volume 3, section 24.7)"""
    log = verdict_on_bochs("corei7_skylake_x", "wrmsr 0x3a 1", UNLOCKED_BIOS)
    expect_row(log, "CPU virtualization", "broken", "VMX (VT-x): locked by the firmware", "switch the machine off")
