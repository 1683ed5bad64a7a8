#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measure the primitives on Xen and on Hospes in the same emulator, and compare them with the goals.

    tests/bench/run.py [--only xen|hospes] [--log DIRECTORY]

One TSC tick is one instruction here (-icount shift=0). The exit status says whether Hospes met every goal.
"""
import argparse
import dataclasses
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "guests"))
import run  # noqa: E402


@dataclasses.dataclass(frozen=True)
class Primitive:
    name: str        # in the guest's output
    title: str
    goal: int | None # ticks, or nanoseconds for lateness; None: for information


PRIMITIVES = (
    Primitive("null_hypercall", "null hypercall (xen_version)", 500),
    Primitive("undefined_hypercall", "undefined hypercall number", 500),
    Primitive("cpuid", "CPUID exit", 500),
    Primitive("rdmsr_apic_base", "RDMSR exit (APIC base)", 500),
    Primitive("rdtsc", "RDTSC", None),
    Primitive("yield", "sched_op yield, nothing else to run", 800),
    Primitive("event_send_masked", "event channel send to self, masked", 1500),
    Primitive("event_to_handler", "event channel send -> handler", 2000),
    Primitive("event_round_trip", "event send, handler, end of interrupt", None),
    Primitive("set_timer", "set one-shot timer", 1000),
    Primitive("timer_lateness_ns", "one-shot timer -> handler, ns late", 5000),
)
LINE = re.compile(r"BENCH (\w+) (\d+)")


def measure(which, show):
    """Ticks by name on hypervisor `which`, or None if it gave no verdict."""
    outcome = run.run(run.cases()["primitives"], which, show=show)
    if not outcome.good:
        print(f"{which}: {outcome.reason}\n{outcome.log}", file=sys.stderr)
        return None
    return {name: int(ticks) for name, ticks in LINE.findall(outcome.log)}


def row(primitive, xen, hospes):
    def text(values):
        return f"{values[primitive.name]:,}" if values and primitive.name in values else "-"

    ratio, met = "-", "-"
    goal = f"{primitive.goal:,}" if primitive.goal else "-"
    if hospes and primitive.name in hospes:
        if primitive.goal:
            met = "met" if hospes[primitive.name] <= primitive.goal else "MISSED"
        if xen and hospes[primitive.name]:
            ratio = f"{xen[primitive.name] / hospes[primitive.name]:.1f}"
    return f"| {primitive.title:40} | {text(xen):>10} | {text(hospes):>10} | {ratio:>6} | {goal:>6} | {met:6} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("xen", "hospes"))
    parser.add_argument("--show", action="store_true", help="the guest's output too")
    arguments = parser.parse_args()
    results = {which: measure(which, arguments.show) if arguments.only in (None, which) else None
               for which in ("xen", "hospes")}
    print(f"| {'primitive':40} | {'Xen':>10} | {'Hospes':>10} | {'ratio':>6} | {'goal':>6} | {'':6} |")
    print(f"|{'-' * 42}|{'-' * 11}:|{'-' * 11}:|{'-' * 7}:|{'-' * 7}:|{'-' * 8}|")
    for primitive in PRIMITIVES:
        print(row(primitive, results["xen"], results["hospes"]))
    hospes = results["hospes"]
    if arguments.only == "xen":
        return 0
    missed = hospes is None or any(
        hospes.get(primitive.name, 1 << 62) > primitive.goal for primitive in PRIMITIVES if primitive.goal)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
