#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measure what a user of the whole machine feels, on Hospes and on Debian's Xen in the same emulator, one after the other.

    tests/bench/whole_system.py [--only hospes|xen|native …] [--real-time] [--logs DIRECTORY]

dom0 and a small Linux guest on one CPU. QEMU counts instructions (-icount), one a nanosecond, so the machine's own
clock, which takes all times, counts work and not how busy this computer is. With --real-time that clock is this
computer's, and what QEMU itself spends on each exit counts too. Ratios count, not seconds.
"""
import argparse
import dataclasses
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
from guests import Guest, small, wait_for  # noqa: E402
from machine import BUILD, DOM0, Machine, Scenario  # noqa: E402

COUNTING = ("-icount", "shift=0,sleep=off")
FORKS = 200
DISK_MIB = 128
NETWORK_MIB = 64
PAUSED_MIB = 16
FREE_MEMORY = re.compile(r"Dom heap: (\d+)kB free|memory: (\d+) KiB free")
INIT_LINE = re.compile(r"\[ *(\d+\.\d+)\] Run \S+ as init process")


@dataclasses.dataclass(frozen=True)
class Figure:
    """One row. The goal is a bound on Hospes' value divided by that of `against`."""

    name: str
    title: str
    goal: float | None = None
    against: str = "xen"
    unit: str = "s"


FIGURES = (
    Figure("dom0_init", "dom0's kernel to init", 1.5, "native"),
    Figure("create", "xl create to the guest's init", 0.25),
    Figure("fork_dom0", f"{FORKS} fork+exec in dom0", 0.5),
    Figure("fork_guest", f"{FORKS} fork+exec in a guest", 0.5),
    Figure("disk_write", f"guest writes {DISK_MIB} MiB to its disk"),
    Figure("disk_read", f"guest reads {DISK_MIB} MiB from its disk"),
    Figure("network_in", f"guest fetches {NETWORK_MIB} MiB from dom0"),
    Figure("network_out", f"dom0 fetches {NETWORK_MIB} MiB from the guest"),
    Figure("memory", "memory of a paused guest beyond its RAM", unit="KiB"),
)


def timed(shell, command):
    """Seconds that a command takes by the clock over there, which counts hundredths."""
    clock = "cut -d' ' -f1 /proc/uptime"
    begin, end = shell.check(f"{clock}; {{ {command}; }} >/dev/null 2>&1 && {clock}", timeout=3600).split()[-2:]
    return float(end) - float(begin)


def fork_and_exec(shell):
    return timed(shell, f"i=0; while [ $i -lt {FORKS} ]; do busybox true; i=$((i+1)); done")


def create(dom0, guest):
    path = guest.write(dom0)
    is_up = f"grep -q 'tiny guest is up' {guest.log} 2>/dev/null"
    return timed(dom0, f"rm -f {guest.log}; xl create {path}; until {is_up}; do busybox usleep 20000; done")


def free_memory(dom0):
    """KiB, as the hypervisor tells on its console."""
    dom0.check("xl debug-keys m")
    return [int(xen or hospes) for xen, hospes in FREE_MEMORY.findall(dom0.check("xl dmesg"))][-1]


def memory_of_paused_guest(dom0):
    """What a guest takes beyond its RAM: page tables, the hypervisor's objects, pages that xl adds. KiB."""
    small("first", memory=PAUSED_MIB).create(dom0, "-p")  # what is made once for all guests is there now
    before = free_memory(dom0)
    small("second", memory=PAUSED_MIB).create(dom0, "-p")
    used = before - free_memory(dom0) - PAUSED_MIB * 1024
    dom0.check("xl destroy first; xl destroy second")
    return used


def serve(shell):
    shell.check(f"mkdir -p /tmp/www; dd if=/dev/zero of=/tmp/www/blob bs=1M count={NETWORK_MIB}; "
                "busybox httpd -p 8000 -h /tmp/www")


def fetch(shell, address):
    return timed(shell, f"busybox wget -q -O /dev/null http://{address}:8000/blob")


def measure_guest(machine, dom0, results):
    dom0.check(f"truncate -s {DISK_MIB}M /tmp/disk.img")
    guest = Guest("tiny", memory=256, address="10.0.2.21",
                  disks=("format=raw,vdev=xvda,access=rw,target=/tmp/disk.img",))
    results["create"] = create(dom0, guest)
    serve(dom0)
    with machine.guest_console("tiny") as shell:
        wait_for(shell, "[ -b /dev/xvda ]", "the guest's disk")
        results["fork_guest"] = fork_and_exec(shell)
        results["disk_write"] = timed(shell, f"dd if=/dev/zero of=/dev/xvda bs=1M count={DISK_MIB} oflag=direct")
        results["disk_read"] = timed(shell, f"dd if=/dev/xvda of=/dev/null bs=1M count={DISK_MIB} iflag=direct")
        results["network_in"] = fetch(shell, "10.0.2.15")
        serve(shell)
    results["network_out"] = fetch(dom0, "10.0.2.21")


def measure_system(hypervisor, options, logs):
    """Figures by name; those before a failure, if there is one."""
    scenario = Scenario(hypervisor=hypervisor, cpus=1, qemu_options=options)
    results = {}
    try:
        with Machine(scenario, logs / f"bench-{hypervisor}.log") as machine:
            dom0 = machine.boot().dom0
            results["dom0_init"] = float(INIT_LINE.search(dom0.check("dmesg"))[1])
            results["fork_dom0"] = fork_and_exec(dom0)
            results["memory"] = memory_of_paused_guest(dom0)
            measure_guest(machine, dom0, results)
    except Exception as failure:  # pylint: disable=broad-except
        print(f"{hypervisor}: {failure}", file=sys.stderr)
    return results


def measure_native(_, options, logs):
    """The same kernel and RAM disk on the bare machine, until it starts init."""
    scenario = Scenario(cpus=1, iommu="none", nic="none", qemu_options=options)
    command = scenario.qemu_command(["-serial", "stdio"])
    boot = command.index("-kernel")
    command[boot:boot + 6] = ["-kernel", str(DOM0 / "vmlinuz"), "-initrd", str(scenario.initial_ramdisk()),
                              "-append", "console=ttyS0 loglevel=5 rdinit=/bin/busybox -- dmesg"]
    with open(logs / "bench-native.log", "w", encoding="utf-8") as log, \
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, errors="replace") as process:
        for line in process.stdout:
            log.write(line)
            if found := INIT_LINE.search(line):
                process.kill()
                return {"dom0_init": float(found[1])}
    return {}


def ratio(figure, results, name, to):
    above, below = (results.get(which, {}).get(figure.name) for which in (name, to))
    return above / below if above is not None and below else None


def verdict(figure, results):
    reached = ratio(figure, results, "hospes", figure.against)
    if figure.goal is None or reached is None:
        return "-"
    return f"{reached:.2f} ({'<=' if reached <= figure.goal else 'MISSED'} {figure.goal:g} x {figure.against})"


def print_table(results):
    def value(name, figure):
        number = results.get(name, {}).get(figure.name)
        return "-" if number is None else f"{number:.{2 if figure.unit == 's' else 0}f} {figure.unit}"

    row = "| {:39} | {:>8} | {:>8} | {:>8} | {:>12} | {:>26} |"
    print(row.format("whole system", "native", "Xen", "Hospes", "Xen : Hospes", "goal"))
    print("|" + "-" * 41 + "|" + "-" * 9 + ":|" + "-" * 9 + ":|" + "-" * 9 + ":|" + "-" * 13 + ":|" + "-" * 27 + ":|")
    for figure in FIGURES:
        better = ratio(figure, results, "xen", "hospes")
        print(row.format(figure.title, *(value(name, figure) for name in ("native", "xen", "hospes")),
                         "-" if better is None else f"{better:.1f}", verdict(figure, results)))


def main():
    machines = {"native": measure_native, "hospes": measure_system, "xen": measure_system}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=machines, default=list(machines))
    parser.add_argument("--real-time", action="store_true", help="do not count instructions")
    parser.add_argument("--logs", type=Path, default=BUILD / "system-logs")
    arguments = parser.parse_args()
    arguments.logs.mkdir(parents=True, exist_ok=True)
    options = () if arguments.real_time else COUNTING
    results = {name: machines[name](name, options, arguments.logs) for name in arguments.only}
    print_table(results)
    return 1 if any("MISSED" in verdict(figure, results) for figure in FIGURES) else 0


if __name__ == "__main__":
    sys.exit(main())
