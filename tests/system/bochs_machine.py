# SPDX-License-Identifier: MIT
"""A Machine whose emulator is Bochs: VMX is emulated nowhere else."""
import contextlib
import os
import pty
import subprocess
import sys
import tempfile
import time
import tty
from pathlib import Path

import pexpect.fdpexpect

from machine import DOM0, ROOT, Machine
from shell import Shell

sys.path.insert(0, str(ROOT / "tests/guests"))
import bochs  # noqa: E402


class SlowConsole(pexpect.fdpexpect.fdspawn):
    """Bochs' serial port loses what its FIFO of 16 bytes has no room for. So we type a little at a time, and give the
    emulated machine time to fetch it: by the emulator's own processor time, for this machine may be busy."""

    AT_ONCE = 14
    PAUSE = 50_000_000  # nanoseconds

    def __init__(self, terminal, emulator, **options):
        super().__init__(terminal, **options)
        self._spent = Path(f"/proc/{emulator.pid}/schedstat")
        self._emulator = emulator

    def send(self, text):
        for start in range(0, len(text), self.AT_ONCE):
            super().send(text[start:start + self.AT_ONCE])
            until = self._processor_time() + self.PAUSE
            while self._processor_time() < until and self._emulator.poll() is None:
                time.sleep(0.01)
        return len(text)

    def _processor_time(self):
        return int(self._spent.read_text().split()[0])


class BochsMachine(Machine):
    """Boots by BIOS, GRUB and an ISO. The serial port is a terminal of ours. Of the scenario, what is QEMU's is ignored."""

    BOOT_TIMEOUT = 3600

    def __init__(self, scenario, log, model):
        super().__init__(scenario, log)
        self._model = model

    def __enter__(self):
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        self._log = open(self._log_path, "w", encoding="utf-8", errors="replace")
        self._folder = tempfile.TemporaryDirectory(prefix="bochs-dom0-")
        master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self._process = bochs.start(Path(self._folder.name), self._model, self.scenario.cpus, self.scenario.memory,
                                    self._make_medium(), serial=f"mode=term, dev={os.ttyname(self._slave)}")
        self.console = SlowConsole(master, self._process, encoding="latin-1", logfile=self._log, timeout=60,
                                   maxread=65536)
        self.console.delaybeforesend = None
        self.dom0 = Shell(self.console, "dom0", "[ -d /run/xenstored ]", "bash --norc --noediting")
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(pexpect.ExceptionPexpect, OSError):
            self.console.close()
        os.close(self._slave)
        self._folder.cleanup()
        self._log.close()

    def alive(self):
        return self._process.poll() is None

    def expect_end(self):
        return self._process.wait(timeout=self.END_TIMEOUT)

    def _make_medium(self):
        """GRUB's multiboot2 command crashes in Bochs, whatever it loads; multiboot does not."""
        medium, scenario = Path(self._folder.name) / "boot.iso", self.scenario
        subprocess.run([ROOT / "dom0/image/build_iso", "--output", medium, "--hypervisor", scenario.hypervisor_image(),
                        "--options", scenario.hypervisor_command_line(), "--kernel", DOM0 / "vmlinuz",
                        "--kernel-options", scenario.kernel_command_line(), "--ramdisk", scenario.initial_ramdisk(),
                        "--protocol", "multiboot"], check=True)
        return medium
