#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run test guests as dom0 payload under Bochs, which emulates VMX with EPT, and SVM with NRIP save.

    tests/guests/bochs.py hello smp                          # on corei7_skylake_x
    tests/guests/bochs.py --machine bochs:ryzen hello
    tests/guests/bochs.py --machine bochs:corei7_skylake_x:2 smp    # two CPUs
    tests/guests/bochs.py --short                            # what `make check` runs
    tests/guests/bochs.py --all-machines                     # what `make check-intel` runs, with a table of times

Bochs boots only from a disk, so each guest gets an ISO with GRUB. The log comes from the emulated serial port; Bochs
has no way for the guest to end it, so the verdict line does.
"""
import argparse
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import run  # noqa: E402
from bochs_machines import BIOS, MACHINES, REFUSALS, SHORT, SKYLAKE, Machine  # noqa: E402

VGA_BIOS = pathlib.Path("/usr/share/bochs/VGABIOS-lgpl-latest")
SLOWER = 6  # than QEMU, at most

CONFIGURATION = """
megs: {memory}
cpu: model={model}, count={cpus}, ips=50000000, reset_on_triple_fault=0, ignore_bad_msrs=1
romimage: file={bios}
vgaromimage: file={vga_bios}
display_library: rfb, options="timeout=0"
ata0-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
com1: enabled=1, {serial}
log: {folder}/bochs.log
debugger_log: -
panic: action=fatal
clock: sync=none
pci: enabled=1, chipset=i440fx
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
speaker: enabled=0
plugin_ctrl: speaker=0, sb16=0, es1370=0
"""

MENU = """
set timeout=0
terminal_output console
menuentry test {{
    insmod wrmsr
    {setup}
    multiboot /hospes.elf {options}
    module /guest.elf {arguments}
    {more_modules}
}}
"""


def make_iso(folder, image, options, payload, arguments, setup="", twice=False):
    """An ISO that boots `image` with `payload` as its module, or as the second one too, after the commands `setup` of
    GRUB."""
    tree = folder / "iso"
    (tree / "boot/grub").mkdir(parents=True)
    (tree / "hospes.elf").write_bytes(image.read_bytes())
    (tree / "guest.elf").write_bytes(payload.read_bytes())
    # GRUB passes a module its own name first; run.py's QEMU does likewise.
    (tree / "boot/grub/grub.cfg").write_text(MENU.format(options=options, arguments=f"guest.elf {arguments}",
                                                             setup=setup,
                                                             more_modules="module /guest.elf" if twice else ""))
    iso = folder / "test.iso"
    subprocess.run(["grub-mkrescue", "-d", "/usr/lib/grub/i386-pc", "-o", iso, tree], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return iso


def start(folder, model, cpus, memory, iso, serial=None, bios=BIOS):
    """A running Bochs. Its serial output goes to com1.log in `folder` unless `serial` says otherwise."""
    (folder / "bochsrc").write_text(CONFIGURATION.format(
        memory=memory, model=model, cpus=cpus, bios=bios, vga_bios=VGA_BIOS, iso=iso, folder=folder,
        serial=serial or f"mode=file, dev={folder / 'com1.log'}"))
    (folder / "commands").write_text("c\n")
    with open(folder / "stdout", "wb") as output:
        return subprocess.Popen(["bochs", "-q", "-f", str(folder / "bochsrc"), "-rc", str(folder / "commands")],
                                cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)


def watch(process, log, timeout, enough, show):
    """The log until `enough(text)`, the end of the emulator, or of the time."""
    deadline, text = time.monotonic() + timeout, ""
    while time.monotonic() < deadline:
        time.sleep(0.5)
        ended = process.poll() is not None
        fresh = log.read_text(errors="replace").replace("\r", "") if log.exists() else ""
        if show and len(fresh) > len(text):
            sys.stdout.write(fresh[len(text):])
            sys.stdout.flush()
        text = fresh
        if ended or enough(text):
            break
    return text


def boot(folder, model, cpus, memory, iso, enough, timeout, show=False, bios=BIOS):
    """What the serial port of a new Bochs said, until `enough(text)`, its end, or the end of the time."""
    process = start(folder, model, cpus, memory, iso, bios=bios)
    try:
        return watch(process, folder / "com1.log", timeout, enough, show)
    finally:
        process.kill()
        process.wait()


def options_of(case):
    _, options, _ = run.hypervisor("hospes")
    return f"{options} dom0_mem={case.memory}M {case.options}".strip()


def read_log(case, model, cpus, enough, timeout, show, setup="", bios=BIOS):
    """What the serial port said when `case` was booted, until `enough(text)` or the end of the time."""
    image, _, _ = run.hypervisor("hospes")
    with tempfile.TemporaryDirectory(prefix="bochs-") as name:
        folder = pathlib.Path(name)
        iso = make_iso(folder, image, options_of(case), case.image, f"{case.arguments} bochs".strip(), setup,
                       case.loads_itself)
        text = boot(folder, model, cpus, case.memory + 256, iso, enough, timeout, show, bios)
        return text or (folder / "stdout").read_text(errors="replace")[-2000:]


def processor_seconds():
    """What the emulators that have ended used of the processor: on a busy machine, clocks tell less."""
    times = os.times()
    return times.children_user + times.children_system


def time_for(case):
    return case.timeout * SLOWER * float(os.environ.get("TIMEOUT_SCALE", "1"))


def run_case(case, model="corei7_skylake_x", cpus=1, show=False):
    """Boots `case`; its Outcome, in seconds of the processor."""
    started, spent = time.monotonic(), processor_seconds()
    timeout = time_for(case)

    def enough(text):
        if case.verdict not in ("PASS", "FAIL"):
            return re.search(case.verdict, text) is not None
        return run.ABORTED.search(text) or any(match[2] == case.name for match in run.VERDICT.finditer(text))

    text = read_log(case, model, cpus, enough, timeout, show)
    good, reason = run.judge(case, "hospes", text, run.DEBUG_EXIT_PASS)
    if not good and time.monotonic() - started >= timeout:
        reason += f" after {timeout:.0f} s"
    return run.Outcome(good, reason, text, processor_seconds() - spent)


def run_refusal(refusal, payload, show=False):
    """Boots where Hospes has to refuse; its Outcome. `payload` must never start."""
    spent = processor_seconds()

    def enough(text):
        return refusal.says in text or run.VERDICT.search(text)

    text = read_log(payload, refusal.machine.model, 1, enough, time_for(payload), show, refusal.setup, refusal.bios)
    good = refusal.says in text and not run.VERDICT.search(text)
    return run.Outcome(good, refusal.says if good else f"does not say {refusal.says!r}", text,
                       processor_seconds() - spent)


class Results:
    """What came out, told as it comes; a table of it all at the end."""

    def __init__(self, show):
        self._show = show
        self._cells = {}  # (guest, machine) -> text
        self.failed = 0

    def skip(self, name, machine, why):
        self._cells[name, str(machine)] = "-"
        print(f"skip {name:20} {machine}: {why}", flush=True)

    def add(self, name, machine, outcome):
        if not outcome.good and not self._show:
            print(outcome.log)
        self.failed += not outcome.good
        self._cells[name, str(machine)] = f"{outcome.seconds:.1f}" if outcome.good else "BAD"
        print(f"{'good' if outcome.good else 'BAD '} {name:20} {machine} {outcome.seconds:6.1f} s  {outcome.reason}",
              flush=True)

    def table(self):
        """Markdown: a row for each guest, a column of processor seconds for each machine."""
        machines = list(dict.fromkeys(machine for _, machine in self._cells))
        rows = [["seconds", *machines], ["---"] * (len(machines) + 1)]
        for name in dict.fromkeys(name for name, _ in self._cells):
            rows.append([name, *(self._cells.get((name, machine), "") for machine in machines)])
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def wanted_runs(arguments):
    """Pairs of test guest and machine."""
    known = run.cases()
    if arguments.short:
        return [(known[name], machine) for name, machine in SHORT]
    if arguments.refusals:
        return []
    chosen = [known[name] for name in arguments.names] or \
        [case for case in known.values() if case.role in ("dom0", "both")]
    chosen = [dataclasses.replace(case, arguments=f"{arguments.arguments} {case.arguments}".strip()) for case in chosen]
    machines = MACHINES if arguments.all_machines else list(map(Machine.parse, arguments.machine)) or [SKYLAKE]
    return [(case, machine) for machine in machines for case in chosen]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="test guests; all that run as dom0 if none is named")
    parser.add_argument("--machine", action="append", default=[], metavar="bochs:MODEL[:CPUS]")
    parser.add_argument("--short", action="store_true", help="the set for `make check`")
    parser.add_argument("--all-machines", action="store_true", help="what `make check-intel` runs")
    parser.add_argument("--refusals", action="store_true", help="the machines that Hospes refuses, and nothing else")
    parser.add_argument("--arguments", default="", help="more of the guest's command line")
    parser.add_argument("--quiet", action="store_true", help="logs of failures only")
    arguments = parser.parse_args()
    show = not arguments.quiet
    results = Results(show)
    for case, machine in wanted_runs(arguments):
        if why := machine.cannot_run(case.name):
            results.skip(case.name, machine, why)
        else:
            results.add(case.name, machine, run_case(case, machine.model, machine.cpus, show))
    if arguments.all_machines:
        print(results.table())
    if arguments.short or arguments.all_machines or arguments.refusals:
        for refusal in REFUSALS:
            results.add(refusal.name, refusal.machine, run_refusal(refusal, run.cases()["hello"], show))
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
