#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run test guests as dom0 payload under Bochs, which emulates VMX with EPT, and SVM with NRIP save.

    tests/guests/bochs.py hello smp                          # on corei7_skylake_x
    tests/guests/bochs.py --machine bochs:ryzen hello
    tests/guests/bochs.py --machine bochs:corei7_skylake_x:2 smp    # two CPUs
    tests/guests/bochs.py --short                            # what `make check` runs
    tests/guests/bochs.py --all-models                       # what `make check-intel` runs

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

BIOS = pathlib.Path("/usr/share/bochs/BIOS-bochs-latest")
UNLOCKED_BIOS = pathlib.Path("/usr/share/seabios/bios.bin")  # leaves VMX to be locked by whoever comes next
VGA_BIOS = pathlib.Path("/usr/share/bochs/VGABIOS-lgpl-latest")
MODELS = ("corei7_skylake_x", "corei5_arrandale_m520", "ryzen")
# Where Bochs 2.7 itself is wrong; such a run is a skip, said aloud.
BROKEN_THERE = {
    ("exceptions", "ryzen"): "its SVM leaves DR6 alone at a #DB, and raises a guest's #PF in the host at VMSAVE",
}
SHORT = (("hello", "corei7_skylake_x"), ("instructions", "corei7_skylake_x"), ("exceptions", "corei5_arrandale_m520"),
         ("smp", "corei7_skylake_x:2"), ("hello", "ryzen"))
SLOWER = 6  # than QEMU, at most


@dataclasses.dataclass(frozen=True)
class Refusal:
    """A machine that Hospes cannot run on, and what it has to say there."""
    name: str
    model: str
    says: str
    setup: str = ""  # what GRUB does first, as firmware might have done
    bios: pathlib.Path = BIOS


REFUSALS = (
    Refusal("vmx_locked_off", "corei7_skylake_x", "CPU virtualization (VMX): locked off by the firmware. Enable",
            "wrmsr 0x3a 1", UNLOCKED_BIOS),
    Refusal("no_vmx", "p4_prescott_celeron_336", "CPU virtualization (VMX): absent"),
    Refusal("no_svm", "athlon64_clawhammer", "CPU virtualization (SVM): absent"),
    Refusal("no_unrestricted_guest", "corei5_lynnfield_750", "this processor has no unrestricted guest"),
)

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
}}
"""


def make_iso(folder, image, options, payload, arguments, setup=""):
    """An ISO that boots `image` with `payload` as its module, after the commands `setup` of GRUB."""
    tree = folder / "iso"
    (tree / "boot/grub").mkdir(parents=True)
    (tree / "hospes.elf").write_bytes(image.read_bytes())
    (tree / "guest.elf").write_bytes(payload.read_bytes())
    # GRUB passes a module its own name first; run.py's QEMU does likewise.
    (tree / "boot/grub/grub.cfg").write_text(MENU.format(options=options, arguments=f"guest.elf {arguments}",
                                                             setup=setup))
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


def options_of(case):
    _, options, _ = run.hypervisor("hospes")
    return f"{options} dom0_mem={case.memory}M {case.options}".strip()


def read_log(case, model, cpus, enough, timeout, show, setup="", bios=BIOS):
    """What the serial port said when `case` was booted, until `enough(text)` or the end of the time."""
    image, _, _ = run.hypervisor("hospes")
    with tempfile.TemporaryDirectory(prefix="bochs-") as name:
        folder = pathlib.Path(name)
        iso = make_iso(folder, image, options_of(case), case.image, f"{case.arguments} bochs".strip(), setup)
        process = start(folder, model, cpus, case.memory + 256, iso, bios=bios)
        try:
            text = watch(process, folder / "com1.log", timeout, enough, show)
        finally:
            process.kill()
            process.wait()
        return text or (folder / "stdout").read_text(errors="replace")[-2000:]


def time_for(case):
    return case.timeout * SLOWER * float(os.environ.get("TIMEOUT_SCALE", "1"))


def run_case(case, model="corei7_skylake_x", cpus=1, show=False):
    """Boots `case`; its Outcome."""
    started = time.monotonic()
    timeout = time_for(case)

    def enough(text):
        if case.verdict not in ("PASS", "FAIL"):
            return re.search(case.verdict, text) is not None
        return run.ABORTED.search(text) or any(match[2] == case.name for match in run.VERDICT.finditer(text))

    text = read_log(case, model, cpus, enough, timeout, show)
    good, reason = run.judge(case, "hospes", text, run.DEBUG_EXIT_PASS)
    if not good and time.monotonic() - started >= timeout:
        reason += f" after {timeout:.0f} s"
    return run.Outcome(good, reason, text, time.monotonic() - started)


def run_refusal(refusal, payload, show=False):
    """Boots where Hospes has to refuse; its Outcome. `payload` must never start."""
    started = time.monotonic()

    def enough(text):
        return refusal.says in text or run.VERDICT.search(text)

    text = read_log(payload, refusal.model, 1, enough, time_for(payload), show, refusal.setup, refusal.bios)
    good = refusal.says in text and not run.VERDICT.search(text)
    return run.Outcome(good, refusal.says if good else f"does not say {refusal.says!r}", text,
                       time.monotonic() - started)


def parse_machine(text):
    """'bochs:MODEL' or 'bochs:MODEL:CPUS', the first part optional."""
    parts = text.removeprefix("bochs:").split(":")
    return parts[0], int(parts[1]) if len(parts) > 1 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="test guests; all that run as dom0 if none is named")
    parser.add_argument("--machine", action="append", default=[], metavar="bochs:MODEL[:CPUS]")
    parser.add_argument("--short", action="store_true", help="the set for `make check`")
    parser.add_argument("--all-models", action="store_true", help="what `make check-intel` runs")
    parser.add_argument("--refusals", action="store_true", help="the machines that Hospes refuses, and nothing else")
    parser.add_argument("--quiet", action="store_true", help="logs of failures only")
    arguments = parser.parse_args()
    known = run.cases()
    if arguments.short:
        wanted = [(known[name], parse_machine(machine)) for name, machine in SHORT]
    elif arguments.refusals:
        wanted = []
    else:
        chosen = [known[name] for name in arguments.names] or \
            [case for case in known.values() if case.role in ("dom0", "both")]
        machines = MODELS if arguments.all_models else arguments.machine or MODELS[:1]
        wanted = [(case, parse_machine(machine)) for machine in machines for case in chosen]
    failed = 0

    def tell(name, machine, outcome):
        nonlocal failed
        if not outcome.good and arguments.quiet:
            print(outcome.log)
        failed += not outcome.good
        print(f"{'good' if outcome.good else 'BAD '} {name:20} {machine} {outcome.seconds:6.1f} s  {outcome.reason}",
              flush=True)

    for case, (model, cpus) in wanted:
        if (case.name, model) in BROKEN_THERE:
            print(f"skip {case.name:20} {model}: {BROKEN_THERE[case.name, model]}", flush=True)
            continue
        tell(case.name, f"{model}:{cpus}", run_case(case, model, cpus, show=not arguments.quiet))
    for refusal in REFUSALS if arguments.short or arguments.all_models or arguments.refusals else ():
        tell(refusal.name, refusal.model, run_refusal(refusal, known["hello"], show=not arguments.quiet))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
