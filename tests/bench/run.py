#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measure the primitives on Xen and on Hospes, and compare them with the goals.

    tests/bench/run.py [--only COLUMN …] [--show]

Where the emulator counts instructions with the TSC (QEMU with -icount shift=0, Bochs always), one tick is one
instruction. The exit status says whether Hospes met every goal that a column was measured for.
"""
import argparse
import dataclasses
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "guests"))
import bochs  # noqa: E402
import run  # noqa: E402


@dataclasses.dataclass(frozen=True)
class Column:
    name: str
    title: str
    measure: object  # (case, show) -> run.Outcome


def with_iommu(case):
    return dataclasses.replace(case, options=f"{case.options} iommu=on", qemu=(*case.qemu, "-device", "amd-iommu"))


COLUMNS = (
    Column("xen", "Xen, SVM", lambda case, show: run.run(case, "xen", show=show)),
    Column("svm", "SVM", lambda case, show: run.run(case, "hospes", show=show)),
    Column("iommu", "SVM, IOMMU", lambda case, show: run.run(with_iommu(case), "hospes", show=show)),
    Column("nrip", "SVM, NRIP save", lambda case, show: bochs.run_case(case, "ryzen", show=show)),
    Column("vmx", "VMX", lambda case, show: bochs.run_case(case, "corei7_skylake_x", show=show)),
)


@dataclasses.dataclass(frozen=True)
class Primitive:
    name: str  # in the guest's output
    title: str
    goals: dict = dataclasses.field(default_factory=dict)  # column -> ticks, or nanoseconds for lateness


PRIMITIVES = (
    Primitive("null_hypercall", "null hypercall (xen_version)", {"svm": 500, "vmx": 350}),
    Primitive("undefined_hypercall", "undefined hypercall number", {"svm": 500}),
    Primitive("cpuid", "CPUID exit", {"svm": 500, "vmx": 350}),
    Primitive("rdmsr_apic_base", "RDMSR exit (APIC base)", {"svm": 500}),
    Primitive("rdtsc", "RDTSC"),
    Primitive("yield", "sched_op yield, nothing else to run", {"svm": 800}),
    Primitive("event_send_masked", "event channel send to self, masked", {"svm": 1500}),
    Primitive("event_to_handler", "event channel send -> handler", {"svm": 2000}),
    Primitive("event_round_trip", "event send, handler, end of interrupt"),
    Primitive("fifo_send_queued", "FIFO event send to self, queued", {"svm": 1500}),
    Primitive("fifo_to_handler", "FIFO event send -> handler", {"svm": 2000}),
    Primitive("fifo_round_trip", "FIFO send, handler, end of interrupt"),
    Primitive("grant_map_unmap", "map and unmap one grant, two calls"),
    Primitive("set_timer", "set one-shot timer", {"svm": 1000}),
    Primitive("timer_lateness_ns", "one-shot timer -> handler, ns late", {"svm": 5000}),
)
LINE = re.compile(r"BENCH (\w+) (\d+)")


def measure(column, show):
    """Ticks by name, or nothing if the guest gave no verdict."""
    outcome = column.measure(run.cases()["primitives"], show)
    if not outcome.good:
        print(f"{column.title}: {outcome.reason}\n{outcome.log}", file=sys.stderr)
        return {}
    ticks = {name: int(value) for name, value in LINE.findall(outcome.log)}
    if column.name in ("nrip", "vmx"):
        del ticks["timer_lateness_ns"]  # Bochs' clock runs at its own pace
    return ticks


def cell(primitive, results, name):
    """A measured value, with its goal if there is one."""
    value, goal = results.get(name, {}).get(primitive.name), primitive.goals.get(name)
    if value is None:
        return "-"
    return f"{value:,}" if goal is None else f"{value:,} ({'<=' if value <= goal else 'MISSED'} {goal:,})"


def ratio(primitive, results):
    xen, svm = (results.get(name, {}).get(primitive.name) for name in ("xen", "svm"))
    return f"{xen / svm:.1f}" if xen and svm else "-"


def print_table(results):
    titles = ["primitive", *(column.title for column in COLUMNS), "Xen : SVM"]
    rows = [[primitive.title, *(cell(primitive, results, column.name) for column in COLUMNS), ratio(primitive, results)]
            for primitive in PRIMITIVES]
    widths = [max(len(row[i]) for row in [titles, *rows]) for i in range(len(titles))]
    for number, row in enumerate([titles, *rows]):
        cells = [row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:]))]
        print("| " + " | ".join(cells) + " |")
        if number == 0:
            print("|-" + "-|-".join(["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]) + "-|")


def missed(primitive, results):
    return [name for name, goal in primitive.goals.items()
            if name in results and results[name].get(primitive.name, goal + 1) > goal]


def main():
    names = [column.name for column in COLUMNS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--show", action="store_true", help="the guest's output too")
    arguments = parser.parse_args()
    results = {column.name: measure(column, arguments.show) for column in COLUMNS if column.name in arguments.only}
    print_table(results)
    return 1 if any(missed(primitive, results) for primitive in PRIMITIVES) else 0


if __name__ == "__main__":
    sys.exit(main())
