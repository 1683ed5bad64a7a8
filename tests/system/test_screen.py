# SPDX-License-Identifier: MIT
"""A machine without a serial line shows why it stopped: text on the PC's text screen (BIOS) and on the firmware's
framebuffer (UEFI), before dom0 starts, and again in a panic, when the screen is dom0's. What is on it is read from pictures."""
import pytest

from bare import Bare, multiboot, system_partition
from machine import DOM0, EMULATED_CPU
from physical_memory import PhysicalMemory
from screen import Monitor

pytestmark = pytest.mark.fast

# An uncorrected error that QEMU's monitor injects, on the idle CPU: in a guest QEMU would give it to the guest.
MACHINE_CHECK = "mce 1 1 0xb200000000000000 0x4 0 0"
SPIN = DOM0 / "spin.elf"  # a dom0 that does nothing, and needs nothing


@pytest.fixture
def monitor(tmp_path):
    return Monitor(tmp_path)


@pytest.fixture
def boot(start, monitor, tmp_path, hypervisor):
    """Boots Hospes with a kernel, by one firmware or the other, on a machine with a screen."""
    if hypervisor != "hospes":
        pytest.skip("runs on Hospes only")

    def begin(firmware, kernel, *, options=(), qemu=(), cpu=EMULATED_CPU):
        words = " ".join(["console=vga,com1 com1=115200,8n1 iommu=off noreboot dom0_max_vcpus=1", *options])
        if firmware == "uefi":
            text = f"[global]\ndefault=test\n[test]\noptions={words}\nkernel=kernel\n"
            command = system_partition(tmp_path, {"kernel": kernel}, text)
        else:
            command = multiboot(kernel, words)
        return start(Bare((*command, *monitor.options, *qemu), cpu=cpu))
    return begin


def test_a_refusal_in_text_mode(boot, monitor):
    boot("bios", None).expect("there is no dom0 kernel")
    lines = monitor.wait_for("there is no dom0 kernel")
    assert any("verdict: outer hypervisor" in line for line in lines)
    assert any("halted, as noreboot asks" in line for line in monitor.wait_for("halted"))


def test_a_refusal_on_the_framebuffer(boot, monitor):
    boot("uefi", SPIN, cpu="EPYC,-svm").expect("cannot run on this machine")
    lines = monitor.wait_for("cannot run on this machine")
    assert any("verdict: CPU virtualization | absent" in line for line in lines)


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_a_panic_takes_the_screen_back(boot, monitor, firmware):
    machine = boot(firmware, SPIN)
    machine.expect("vCPUs, enters at")
    monitor.command(MACHINE_CHECK)
    machine.expect("PANIC: cpu1: the hardware reports a machine check")
    lines = monitor.wait_for("halted, as noreboot asks")
    assert any("the hardware reports a machine check" in line for line in lines)
    assert any("rip " in line for line in lines)


def test_a_console_device_that_faults_does_not_silence_the_others(boot, monitor, tmp_path):
    """The screen's memory goes away while a line is written to it: by then this CPU holds the console's lock."""
    gdb = PhysicalMemory(tmp_path)
    machine = boot("bios", SPIN, options=("vga=keep",), qemu=gdb.options)
    machine.expect("vCPUs, enters at")
    cells_pointer = gdb.address_of("vga_text") + 8  # behind the table of virtual functions
    gdb.write(cells_pointer, (0xffff_8f00_0000_0000).to_bytes(8, "little"))
    machine.console.send("\x01\x01\x01")  # input to the hypervisor: it says so
    machine.expect("PANIC: cpu0: #PF page fault at 0xffff8f00")
    machine.expect("halted, as noreboot asks")
