# SPDX-License-Identifier: MIT
"""What Hospes says when it cannot start: each message names the thing and the remedy, and the machine stops."""
import struct

import pytest

from bare import Bare, multiboot
from machine import DOM0

pytestmark = pytest.mark.fast

OPTIONS = "console=com1 loglvl=all iommu=off noreboot"


@pytest.fixture
def refuses(start):
    """Expects these words when QEMU loads Hospes with one module at most; returns what came before them."""
    def expect(words, *, module=None, options=OPTIONS, **machine):
        running = start(Bare(multiboot(module, options), **machine))
        running.expect(words)
        return running.console.before
    return expect


@pytest.fixture(scope="module")
def kernel():
    return (DOM0 / "vmlinuz").read_bytes()


def elf_with_entry(entry):
    """A 64-bit ELF file with one page at 16 MiB and a PVH note that names `entry`."""
    note = struct.pack("<III4sQ", 4, 8, 18, b"Xen\0", entry)
    headers = 64 + 2 * 56
    load = struct.pack("<IIQQQQQQ", 1, 7, 0x1000, 0x1000000, 0x1000000, 0x1000, 0x1000, 0x1000)
    notes = struct.pack("<IIQQQQQQ", 4, 4, headers, 0, 0, len(note), len(note), 4)
    identity = b"\x7fELF\2\1\1" + bytes(9)
    header = identity + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x1000000, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    return (header + load + notes + note).ljust(0x1000, b"\0") + bytes(0x1000)


def test_no_module(refuses):
    refuses("there is no dom0 kernel: give the boot loader a Linux kernel as the first module")


def test_module_that_is_no_kernel(refuses, tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("this is not a kernel\n" * 100)
    refuses("module 0 (the dom0 kernel) cannot be used", module=text)


def test_truncated_bzimage(refuses, tmp_path, kernel):
    cut = tmp_path / "vmlinuz"
    cut.write_bytes(kernel[: len(kernel) // 3])
    refuses("module 0 (the dom0 kernel) cannot be used", module=cut, memory=1024)


def test_corrupt_bzimage(refuses, tmp_path, kernel):
    broken = bytearray(kernel)
    middle = len(broken) // 2
    broken[middle:middle + 4096] = bytes(4096)
    file = tmp_path / "vmlinuz"
    file.write_bytes(broken)
    refuses("module 0 (the dom0 kernel) cannot be used", module=file, memory=1024)


@pytest.mark.parametrize("entry", [0x10, 0x2000000, 0xffffffff])
def test_entry_outside_the_image(refuses, tmp_path, entry):
    file = tmp_path / "kernel.elf"
    file.write_bytes(elf_with_entry(entry))
    refuses("module 0 (the dom0 kernel) cannot be used", module=file)


def test_more_dom0_memory_than_the_machine_has(refuses, tmp_path):
    file = tmp_path / "kernel.elf"
    file.write_bytes(elf_with_entry(0x1000000))
    refuses("dom0_mem asks for more memory than the machine has", module=file, options=OPTIONS + " dom0_mem=64G")


def test_no_long_mode(refuses):
    refuses("Hospes needs a 64-bit CPU", cpu="qemu32")


def test_too_little_memory(refuses):
    refuses("MiB of usable memory are too little", memory=8)


def test_unknown_option_is_named_and_ignored(refuses):
    before = refuses("there is no dom0 kernel", options=OPTIONS + " frobnicate=7")
    assert "option frobnicate=7 is not known and has no effect" in before
