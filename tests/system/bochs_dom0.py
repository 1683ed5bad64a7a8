#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The shortest story of Debian's dom0 and one guest, under Bochs: VMX is emulated nowhere else.

    tests/system/bochs_dom0.py                    # corei7_skylake_x, one CPU
    tests/system/bochs_dom0.py --model ryzen

dom0 lives in RAM: to its shell, the toolstack answers, `xl create` brings a guest to its prompt, it goes down again.
"""
import argparse
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

from guests import Guest, domains, wait_until_gone
from machine import BUILD, DOM0, ROOT, Machine, Scenario
from shell import Shell

sys.path.insert(0, str(ROOT / "tests/guests"))
import bochs  # noqa: E402


class SlowConsole(pexpect.fdpexpect.fdspawn):
    """Bochs' serial port loses what comes faster than its guest reads."""

    def send(self, text):
        for start in range(0, len(text), 8):
            super().send(text[start:start + 8])
            time.sleep(0.1)
        return len(text)


class BochsMachine(Machine):
    """A Machine whose emulator is Bochs. Its serial port is a terminal of ours."""

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
        self._medium = self._make_medium()
        self._process = bochs.start(Path(self._folder.name), self._model, self.scenario.cpus, self.scenario.memory,
                                    self._medium, serial=f"mode=term, dev={os.ttyname(self._slave)}")
        self.console = SlowConsole(master, encoding="latin-1", logfile=self._log, timeout=60, maxread=65536)
        self.console.delaybeforesend = None
        self.dom0 = Shell(self.console, "dom0", "[ -d /run/xenstored ]", "bash --norc --noediting")
        return self

    def boot(self):
        self.expect("Some things to try", self.BOOT_TIMEOUT)
        self.expect("dom0:~# ")
        self.dom0.attach(timeout=600)
        return self

    def _make_medium(self):
        """GRUB's multiboot2 command crashes in Bochs, whatever it loads; multiboot does not."""
        medium, scenario = Path(self._folder.name) / "boot.iso", self.scenario
        subprocess.run([ROOT / "dom0/image/build_iso", "--output", medium, "--hypervisor", scenario.hypervisor_image(),
                        "--options", scenario.hypervisor_command_line(), "--kernel", DOM0 / "vmlinuz",
                        "--kernel-options", scenario.kernel_command_line(), "--ramdisk", scenario.initial_ramdisk(),
                        "--protocol", "multiboot"], check=True)
        return medium

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(pexpect.ExceptionPexpect, OSError):
            self.console.close()
        os.close(self._slave)
        self._folder.cleanup()
        self._log.close()


def tell(started, what):
    print(f"{time.monotonic() - started:6.0f} s  {what}", flush=True)


def story(machine, started):
    machine.boot()
    tell(started, "dom0's shell")
    dom0 = machine.dom0
    assert "Domain-0" in domains(dom0)
    tell(started, "xl list")
    guest = Guest("tiny")
    machine.console.send(f"xl create -c {guest.write(dom0)}\n")
    machine.expect("tiny guest is up", timeout=3600)
    tell(started, "the guest's prompt")
    machine.leave_console()
    assert domains(dom0)["tiny"].memory == 128
    dom0.check("xl shutdown tiny")
    wait_until_gone(dom0, "tiny")
    tell(started, "the guest is gone")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="corei7_skylake_x")
    parser.add_argument("--cpus", type=int, default=1)
    arguments = parser.parse_args()
    scenario = Scenario(boot="iso", cpus=arguments.cpus, memory=1536, dom0_memory=768, iommu="none", nic="none")
    started = time.monotonic()
    with BochsMachine(scenario, BUILD / "system-logs" / f"bochs-{arguments.model}.log", arguments.model) as machine:
        story(machine, started)


if __name__ == "__main__":
    main()
