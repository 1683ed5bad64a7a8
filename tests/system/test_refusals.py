# SPDX-License-Identifier: MIT
"""What Hospes says when it cannot start: each message names the thing and the remedy, and the machine stops.

Every case starts QEMU with nothing but a serial line and reads it until the expected words, or until the guard.
"""
import os
import struct
import subprocess
import threading
from pathlib import Path

import pytest

import emulator

pytestmark = pytest.mark.fast

BUILD = Path(os.environ.get("BUILD", "build")).resolve()
PROCESSOR = emulator.EMULATED_CPU
OPTIONS = "console=com1 loglvl=all iommu=off noreboot"
GUARD_SECONDS = 120


def read_console(expected, *, options=OPTIONS, processor=PROCESSOR, memory="512", modules=None):
    """The serial output up to and with `expected`; the whole output if that never comes."""
    command = ["qemu-system-x86_64", "-M", "q35", "-accel", emulator.accelerator_option(), "-cpu", processor,
               "-m", memory, "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot",
               "-kernel", str(BUILD / "hospes.elf"), "-append", options]
    if modules:
        command += ["-initrd", ",".join(str(module) for module in modules)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as qemu:
        text = ""
        guard = threading.Timer(GUARD_SECONDS, qemu.kill)
        guard.start()
        try:
            for line in qemu.stdout:
                text += line.decode(errors="replace")
                if expected in text:
                    break
        finally:
            guard.cancel()
            qemu.kill()
    return text


def refuses(expected, **machine):
    console = read_console(expected, **machine)
    assert expected in console, console


@pytest.fixture(scope="module")
def kernel():
    path = BUILD / "dom0" / "vmlinuz"
    if not path.exists():
        pytest.skip("build/dom0/vmlinuz has not been built")
    return path.read_bytes()


def elf_with_entry(entry):
    """A 64-bit ELF file with one page at 16 MiB and a PVH note that names `entry`."""
    note = struct.pack("<III4sQ", 4, 8, 18, b"Xen\0", entry)
    headers = 64 + 2 * 56
    load = struct.pack("<IIQQQQQQ", 1, 7, 0x1000, 0x1000000, 0x1000000, 0x1000, 0x1000, 0x1000)
    notes = struct.pack("<IIQQQQQQ", 4, 4, headers, 0, 0, len(note), len(note), 4)
    identity = b"\x7fELF\2\1\1" + bytes(9)
    header = identity + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x1000000, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    return (header + load + notes + note).ljust(0x1000, b"\0") + bytes(0x1000)


def test_no_module():
    refuses("there is no dom0 kernel: give the boot loader a Linux kernel as the first module")


def test_module_that_is_no_kernel(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("this is not a kernel\n" * 100)
    refuses("module 0 (the dom0 kernel) cannot be used", modules=[text])


def test_truncated_bzimage(tmp_path, kernel):
    cut = tmp_path / "vmlinuz"
    cut.write_bytes(kernel[: len(kernel) // 3])
    refuses("module 0 (the dom0 kernel) cannot be used", modules=[cut], memory="1024")


def test_corrupt_bzimage(tmp_path, kernel):
    broken = bytearray(kernel)
    middle = len(broken) // 2
    broken[middle:middle + 4096] = bytes(4096)
    file = tmp_path / "vmlinuz"
    file.write_bytes(broken)
    refuses("module 0 (the dom0 kernel) cannot be used", modules=[file], memory="1024")


@pytest.mark.parametrize("entry", [0x10, 0x2000000, 0xffffffff])
def test_entry_outside_the_image(tmp_path, entry):
    file = tmp_path / "kernel.elf"
    file.write_bytes(elf_with_entry(entry))
    refuses("module 0 (the dom0 kernel) cannot be used", modules=[file])


def test_more_dom0_memory_than_the_machine_has(tmp_path):
    file = tmp_path / "kernel.elf"
    file.write_bytes(elf_with_entry(0x1000000))
    refuses("dom0_mem asks for more memory than the machine has", modules=[file], options=OPTIONS + " dom0_mem=64G")


def test_no_long_mode():
    refuses("Hospes needs a 64-bit CPU", processor="qemu32")


def test_too_little_memory():
    refuses("MiB of usable memory are too little", memory="8")


def test_unknown_option_is_named_and_ignored():
    console = read_console("there is no dom0 kernel", options=OPTIONS + " frobnicate=7")
    assert "option frobnicate=7 is not known and has no effect" in console
    assert "there is no dom0 kernel" in console
