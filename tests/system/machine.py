#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An emulated PC with a hypervisor and dom0 on it: from a small description to a QEMU command line and a running machine.

As a program it starts such a machine on this terminal: `tests/system/machine.py --help`.
The same scenario runs on Hospes and on Debian's Xen (hypervisor="xen"): that tells whose fault a failure is.
"""
import argparse
import contextlib
import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import pexpect

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests/tools"), str(ROOT / "dom0/image")]

import emulator
from releases import release_of
from shell import Shell, ShellError

BUILD = Path(os.environ.get("BUILD", ROOT / "build")).resolve()
DOM0 = Path(os.environ.get("DOM0", BUILD / "dom0")).resolve()  # what build_image made, of whichever Debian

# QEMU's TCG mishandles XSAVE state inside a guest: AVX code of dom0 dies. Without XSAVE in the model nothing needs a
# special kernel command line.
EMULATED_CPU = emulator.EMULATED_CPU + ",-xsave"
FIRMWARE_UEFI = "/usr/share/ovmf/OVMF.fd"


@dataclasses.dataclass(frozen=True)
class Scenario:
    """What machine to build and what to boot on it."""

    hypervisor: str = "hospes"  # hospes, xen
    boot: str = "multiboot"  # multiboot (QEMU loads everything), iso (GRUB, BIOS), uefi (GRUB, UEFI)
    medium: str | None = None  # a ready image to boot by "iso" or "uefi", instead of one made for the scenario
    cpus: int = 2
    memory: int = 3072  # MiB
    dom0_memory: int = 1024  # MiB
    dom0_cpus: int | None = None  # default: as many as the machine has
    root: str = "ram"  # where dom0's root file system is: ram, nvme, ahci, virtio-blk
    nic: str = "e1000e"  # none, e1000e, virtio-net
    iommu: str = "amd"  # none, intel, amd
    hypervisor_options: tuple[str, ...] = ()
    kernel_options: tuple[str, ...] = ()
    qemu_options: tuple[str, ...] = ()
    cpu: str = EMULATED_CPU
    accelerator: str = emulator.ACCELERATOR
    reboot: bool = False  # let the machine start again on a reboot; else a reboot ends the emulator

    def hypervisor_image(self):
        return DOM0 / "xen" if self.hypervisor == "xen" else BUILD / "hospes.elf"

    def hypervisor_command_line(self):
        words = [f"dom0_mem={self.dom0_memory}M,max:{self.dom0_memory}M", f"dom0_max_vcpus={self.dom0_cpus or self.cpus}",
                 "com1=115200,8n1", "console=com1", "loglvl=all", "guest_loglvl=all"]
        if self.hypervisor == "xen":
            words += ["dom0=pvh", "spec-ctrl=no"]
        else:
            words += [f"toolstack={release_of(DOM0).xen}"]
        if self.iommu == "none":
            words += ["iommu=off"]
        return " ".join([*words, *self.hypervisor_options])

    def kernel_command_line(self):
        disks = {"ram": [], "nvme": ["root=/dev/nvme0n1"], "ahci": ["root=/dev/sda"], "virtio-blk": ["root=/dev/vda"]}
        return " ".join(["console=hvc0", "loglevel=5", *disks[self.root], *self.kernel_options])

    def initial_ramdisk(self):
        return DOM0 / ("ramdisk.img" if self.root == "ram" else "initrd.img")

    def qemu_command(self, serial):
        command = ["qemu-system-x86_64", "-M", "q35,kernel-irqchip=split", "-accel",
                   emulator.accelerator_option(self.accelerator), "-m", str(self.memory), "-smp", str(self.cpus),
                   "-cpu", "host" if self.accelerator == "kvm" else self.cpu, "-display", "none", *serial, "-nodefaults"]
        if not self.reboot:
            command += ["-no-reboot"]
        return command + [*self._iommu(), *self._disk(), *self._network(), *self._boot_options(), *self.qemu_options]

    def _boot_options(self):
        if self.boot == "multiboot":
            module = f"{DOM0 / 'vmlinuz'} {self.kernel_command_line()}".replace(",", ",,")
            return ["-kernel", str(self.hypervisor_image()), "-append", self.hypervisor_command_line(),
                    "-initrd", f"{module},{self.initial_ramdisk()}"]
        firmware = ["-bios", FIRMWARE_UEFI] if self.boot == "uefi" else []
        return [*firmware, "-device", "ide-cd,drive=medium,bus=ide.5", "-drive",
                f"if=none,id=medium,format=raw,readonly=on,file={self.boot_medium()}"]

    def boot_medium(self):
        """A GRUB image for this scenario, made on the spot; or the one it names."""
        if self.medium:
            return BUILD / self.medium
        medium = DOM0 / f"boot-{os.getpid()}-{abs(hash(self)) % 10**8}.iso"
        subprocess.run([ROOT / "dom0/image/build_iso", "--output", medium, "--hypervisor", self.hypervisor_image(),
                        "--options", self.hypervisor_command_line(), "--kernel", DOM0 / "vmlinuz",
                        "--kernel-options", self.kernel_command_line(), "--ramdisk", self.initial_ramdisk()], check=True)
        return medium

    def _iommu(self):
        return {"none": [], "amd": ["-device", "amd-iommu"],
                "intel": ["-device", "intel-iommu,intremap=on,eim=off"]}[self.iommu]

    def _disk(self):
        if self.root == "ram":
            return []
        # Writes go to a temporary file: every boot starts from the same image.
        drive = ["-drive", f"if=none,id=root,format=raw,snapshot=on,file={DOM0 / 'root.img'}"]
        device = {"nvme": "nvme,serial=root,drive=root", "ahci": "ide-hd,bus=ide.0,drive=root",
                  "virtio-blk": f"virtio-blk-pci,drive=root{self._virtio_options()}"}[self.root]
        return [*drive, "-device", device]

    def _network(self):
        if self.nic == "none":
            return ["-net", "none"]
        device = {"e1000e": "e1000e", "virtio-net": f"virtio-net-pci{self._virtio_options()}"}[self.nic]
        return ["-netdev", "user,id=net", "-device", f"{device},netdev=net"]

    def _virtio_options(self):
        """QEMU's virtio goes past the IOMMU unless told otherwise."""
        return "" if self.iommu == "none" else ",disable-legacy=on,iommu_platform=on"


class Machine:
    """A running scenario. Use as a context manager: the emulator never outlives it."""

    BOOT_TIMEOUT = 600  # hang guards, not expectations
    END_TIMEOUT = 300

    def __init__(self, scenario, log):
        self.scenario = scenario
        self._log_path = Path(log)
        self.console = None
        self.dom0 = None

    def __enter__(self):
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        self._log = open(self._log_path, "w", encoding="utf-8", errors="replace")
        serial = ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]
        command = self.scenario.qemu_command(serial)
        self._log.write(" ".join(command) + "\n")
        self.console = pexpect.spawn(command[0], command[1:], encoding="latin-1", echo=False,
                                     logfile=self._log, timeout=60, maxread=65536, dimensions=(50, 200))
        self.console.delaybeforesend = None
        self.dom0 = Shell(self.console, "dom0", "[ -d /run/xenstored ]", "bash --norc --noediting")
        return self

    def __exit__(self, *_):
        with contextlib.suppress(pexpect.ExceptionPexpect):
            self.console.close(force=True)
        self._log.close()

    def boot(self):
        """Waits until dom0's root shell answers."""
        self.expect("Some things to try", self.BOOT_TIMEOUT)
        self.dom0.attach()
        return self

    def expect(self, text, timeout=300):
        """Waits for a text on the console; anything else first is a failure that shows what came instead."""
        found = self.console.expect_exact([text, pexpect.TIMEOUT, pexpect.EOF], timeout=timeout)
        if found != 0:
            why = "nothing more came" if found == 1 else "the machine ended"
            raise AssertionError(f"waiting for {text!r}: {why}; last words:\n{(self.console.before or '')[-3000:]}")

    def expect_end(self):
        """Waits until the emulator ends by itself; returns its exit status."""
        found = self.console.expect_exact([pexpect.EOF, pexpect.TIMEOUT], timeout=self.END_TIMEOUT)
        assert found == 0, f"the machine does not end; last words:\n{(self.console.before or '')[-3000:]}"
        self.console.close()
        return self.console.exitstatus

    def alive(self):
        return self.console is not None and self.console.isalive()

    @contextlib.contextmanager
    def guest_console(self, name, command=None):
        """The shell of a guest, through `xl console` (or another command that ends up on the guest's console)."""
        self.console.send((command or f"xl console {name}") + "\n")
        try:
            yield self.guest_shell(name).attach()
        finally:
            self.leave_console()

    def guest_shell(self, name):
        """The shell of the guest whose console is in front just now."""
        return Shell(self.console, name, "[ ! -d /run/xenstored ]")

    def leave_console(self):
        """Back to dom0's shell. The console client wants Ctrl-] alone in one read, so nothing may follow it closely."""
        for _ in range(10):
            self.console.send("\x1d")
            self._read_until_silent()
            with contextlib.suppress(ShellError):
                return self.dom0.attach(timeout=20)
        raise ShellError("dom0: Ctrl-] does not lead back to its shell")

    def _read_until_silent(self, most_reads=10_000):
        """Until nothing has come for a moment. A guest may be writing without end: as long as nobody reads that, it
        stands in front of what comes later, and the console client waits instead of looking at what is typed."""
        for _ in range(most_reads):
            if self.console.expect([r"(?s).+", pexpect.TIMEOUT], timeout=2) != 0:
                return


def main():
    parser = argparse.ArgumentParser(description="Start a machine with a hypervisor and dom0 on this terminal.",
                                     epilog="`poweroff` in dom0 ends it; Ctrl-a x kills the emulator.")
    for field in dataclasses.fields(Scenario):
        option = "--" + field.name.replace("_", "-")
        if field.default == ():
            parser.add_argument(option, nargs="*", default=(), help="further words")
        elif isinstance(field.default, bool):
            parser.add_argument(option, action="store_true")
        else:
            kind = int if field.name in ("cpus", "memory", "dom0_memory", "dom0_cpus") else str
            parser.add_argument(option, type=kind, default=field.default, help=f"default: {field.default}")
    parser.add_argument("--print", action="store_true", help="show the command instead of running it")
    values = vars(parser.parse_args())
    show = values.pop("print")
    scenario = Scenario(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
    command = scenario.qemu_command(["-serial", "mon:stdio"])
    if show:
        print(" ".join(re.sub(r"(.*[ ,].*)", r"'\1'", word) for word in command))
        return
    os.execvp(command[0], command)


if __name__ == "__main__":
    sys.exit(main())
