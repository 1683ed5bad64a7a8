#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run test guests as dom0 payload under QEMU, on Hospes or on Xen, and read their verdict.

    tests/guests/run.py hello smp             # on build/hospes.elf
    tests/guests/run.py --on xen              # every dom0 guest, on Debian's Xen
    tests/guests/run.py --threads smp         # with a host thread for each CPU
    tests/guests/run.py --list
"""
import argparse
import dataclasses
import gzip
import os
import pathlib
import re
import selectors
import subprocess
import sys
import tempfile
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/tools"))

import emulator

FOLDERS = (ROOT / "tests/guests", ROOT / "tests/bench")
DEBUG_EXIT_PASS, DEBUG_EXIT_FAIL = 33, 35  # (value << 1) | 1 of what the guest writes, report.cpp
GRACE = 2  # seconds the emulator gets to end by itself after the verdict
VERDICT = re.compile(r"(PASS|FAIL) (\w+): (.*)")
NOISE = re.compile(r"qemu-system-x86_64: warning: TCG doesn't support requested feature.*\n")
ABORTED = re.compile(r"Panic on CPU|\bPANIC\b")


@dataclasses.dataclass(frozen=True)
class Case:
    """One test.toml."""
    name: str
    role: str = "dom0"          # dom0 | guest | both
    cpus: int = 1
    memory: int = 512           # MiB for the payload
    verdict: str = "PASS"       # PASS | FAIL | a regular expression the log must hold
    timeout: int = 60           # seconds
    arguments: str = ""         # command line of the guest
    qemu: tuple = ()            # extra QEMU arguments
    options: str = ""           # extra hypervisor options
    differs_on_xen: str = ""    # why Xen's verdict is not ours, if it is not
    loads_itself: bool = False  # gets its own image as initial RAM disk, to run it in other domains
    accelerator: str = emulator.ACCELERATOR
    threads: int = 0            # CPUs of its form with a host thread for each CPU; 0: it has none

    @property
    def image(self):
        return ROOT / os.environ.get("OUT", "build") / "guests" / f"{self.name}.elf"


def cases():
    """Every test guest, by name."""
    found = {}
    for folder in FOLDERS:
        for path in sorted(folder.glob("*/test.toml")):
            values = tomllib.loads(path.read_text())
            values["qemu"] = tuple(values.get("qemu", ()))
            found[path.parent.name] = Case(name=path.parent.name, **values)
    return found


def xen_image():
    """Debian's Xen, as the 32-bit ELF that QEMU can boot; from HOSPES_TEST_XEN or its Debian package."""
    given = os.environ.get("HOSPES_TEST_XEN")
    if given:
        return pathlib.Path(given)
    folder = ROOT / os.environ.get("OUT", "build") / "peer"
    image = folder / "xen"
    if not image.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run(["apt-get", "download", "xen-hypervisor-4.17-amd64"], cwd=scratch, check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            package = next(pathlib.Path(scratch).glob("*.deb"))
            subprocess.run(["dpkg-deb", "-x", package, scratch], check=True)
            image.write_bytes(gzip.decompress((pathlib.Path(scratch) / "boot/xen-4.17-amd64.gz").read_bytes()))
    return image


def hypervisor(which):
    """Image, options and devices of `which`: 'hospes' or 'xen'."""
    if which == "xen":
        return xen_image(), "dom0=pvh console=com1 com1=115200 loglvl=warning guest_loglvl=all sync_console noreboot", \
            ["-device", "amd-iommu"]
    image = pathlib.Path(os.environ.get("HOSPES_IMAGE", ROOT / os.environ.get("OUT", "build") / "hospes.elf"))
    return image, "console=com1 com1=115200 loglvl=info guest_loglvl=all iommu=off sync_console noreboot", []


def on_threads(case):
    """The form of `case` that runs with a host thread for each CPU, and keeps off the first one (emulator.py)."""
    vcpus = "" if "dom0_max_vcpus" in case.options else f"dom0_max_vcpus={case.threads}"
    return dataclasses.replace(case, cpus=case.threads + 1, accelerator=emulator.THREADS,
                               options=f"{case.options} {vcpus}".strip(), arguments=f"threads {case.arguments}".strip())


def command(case, which, extra=()):
    image, options, devices = hypervisor(which)
    arguments = f"{case.arguments} emulator" if case.accelerator.startswith("tcg") else case.arguments
    options = f"{options} dom0_mem={case.memory}M {case.options}".strip()
    modules = [f"{case.image} {arguments}".strip(), *([str(case.image)] if case.loads_itself else [])]
    return ["qemu-system-x86_64", "-kernel", str(image), "-append", options, "-initrd", ",".join(modules),
            "-M", "q35", "-cpu", emulator.EMULATED_CPU, "-m", "1024", "-smp", str(case.cpus),
            "-accel", emulator.accelerator_option(case.accelerator), "-display", "none", "-serial", "stdio",
            "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4", *devices, *case.qemu, *extra]


@dataclasses.dataclass
class Outcome:
    good: bool
    reason: str
    log: str
    seconds: float


def collect(process, timeout, enough, show):
    """The emulator's output until it ends, `enough(text)` is true, or time is up."""
    text, ended = "", False
    deadline = time.monotonic() + timeout
    settled = False
    waiter = selectors.DefaultSelector()
    waiter.register(process.stdout, selectors.EVENT_READ)
    while not ended and time.monotonic() < deadline:
        if not settled and enough(text):
            settled, deadline = True, min(deadline, time.monotonic() + GRACE)
        if not waiter.select(timeout=0.2):
            ended = process.poll() is not None
            continue
        piece = os.read(process.stdout.fileno(), 65536)
        ended = not piece
        piece = NOISE.sub("", piece.decode(errors="replace").replace("\r", ""))
        text += piece
        if show:
            sys.stdout.write(piece)
            sys.stdout.flush()
    return text, ended


def judge(case, which, text, status):
    """Whether this log and exit status are what the case expects, and why."""
    if case.verdict not in ("PASS", "FAIL"):
        found = re.search(case.verdict, text)
        return bool(found), f"{'found' if found else 'missing'}: {case.verdict}"
    said = [match for match in VERDICT.finditer(text) if match[2] == case.name]
    if not said:
        return False, "no verdict" + (" (hypervisor panic)" if ABORTED.search(text) else "")
    note = "" if status in (DEBUG_EXIT_PASS, DEBUG_EXIT_FAIL) else " (the debug-exit port did not end the emulator)"
    return said[-1][1] == case.verdict, said[-1][0] + note


def run(case, which="hospes", show=False, extra=()):
    """Boot `case` on `which`; its Outcome."""
    started = time.monotonic()
    timeout = case.timeout * float(os.environ.get("TIMEOUT_SCALE", "1"))
    process = subprocess.Popen(command(case, which, extra), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)

    def enough(text):
        if ABORTED.search(text) and case.verdict in ("PASS", "FAIL"):
            return True
        if case.verdict not in ("PASS", "FAIL"):
            return re.search(case.verdict, text) is not None
        return any(match[2] == case.name for match in VERDICT.finditer(text))

    try:
        text, ended = collect(process, timeout, enough, show)
        if ended:
            process.wait(timeout=10)
    finally:
        if process.poll() is None:
            process.kill()
        status = process.wait()
    good, reason = judge(case, which, text, status)
    if not good and time.monotonic() - started >= timeout:
        reason += f" after {timeout:.0f} s"
    return Outcome(good, reason, text, time.monotonic() - started)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="test guests; all that run as dom0 if none is named")
    parser.add_argument("--on", choices=("hospes", "xen"), default="hospes")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--threads", action="store_true", help="with a host thread for each CPU, those that can")
    parser.add_argument("--arguments", default="", help="more of the guest's command line")
    parser.add_argument("--quiet", action="store_true", help="logs of failures only")
    parser.add_argument("--print-command", action="store_true")
    arguments = parser.parse_args()
    known = cases()
    if arguments.list:
        for case in known.values():
            print(f"{case.name:20} {case.role:6} cpus {case.cpus} memory {case.memory} expects {case.verdict}")
        return 0
    wanted = [known[name] for name in arguments.names] or \
        [case for case in known.values() if case.role in ("dom0", "both")]
    wanted = [dataclasses.replace(case, arguments=f"{arguments.arguments} {case.arguments}".strip()) for case in wanted]
    if arguments.threads:
        wanted = [on_threads(case) for case in wanted if case.threads]
    failed = 0
    for case in wanted:
        if arguments.print_command:
            print(" ".join(map(repr, command(case, arguments.on))))
            continue
        outcome = run(case, arguments.on, show=not arguments.quiet)
        if not outcome.good and arguments.quiet:
            print(outcome.log)
        failed += not outcome.good
        print(f"{'good' if outcome.good else 'BAD '} {case.name:20} {outcome.seconds:6.1f} s  {outcome.reason}",
              flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
