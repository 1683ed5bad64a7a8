#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measure for how long a CPU takes no interrupts, by cause, on Xen and on Hospes; each cause is the worst of its kind.

    tests/bench/stretches.py [--only xen svm] [--show]

Counts of instructions, as in run.py. The exit status says whether Hospes met the goal for every cause.
"""
import argparse
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "guests"))
import run  # noqa: E402

GOAL = 100_000
GUESTS = ("stretches", "broadcast")
COLUMNS = {"xen": ("Xen, SVM", "xen"), "svm": ("SVM", "hospes")}
LINE = re.compile(r"STRETCH (\d+) (.+)")


def measure(name, show):
    """Ticks by cause, in the guest's order; nothing if it gave no verdict. Xen may refuse what we do not."""
    title, hypervisor = COLUMNS[name]
    ticks = {}
    for guest in GUESTS:
        outcome = run.run(run.cases()[guest], hypervisor, show=show)
        if not outcome.good and name != "xen":
            print(f"{title}: {outcome.reason}\n{outcome.log}", file=sys.stderr)
            return {}
        ticks |= {cause: int(count) for count, cause in LINE.findall(outcome.log)}
    return ticks


def cell(ticks, goal):
    if ticks is None:
        return "-"
    return f"{ticks:,}" if goal is None else f"{ticks:,} ({'<=' if ticks <= goal else 'MISSED'} {goal:,})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=COLUMNS, default=list(COLUMNS))
    parser.add_argument("--show", action="store_true", help="the guest's output too")
    arguments = parser.parse_args()
    results = {name: measure(name, arguments.show) for name in arguments.only}
    row = "| {:44} | {:>13} | {:>22} |"
    print(row.format("longest stretch without interrupts", "Xen, SVM", "SVM"))
    print(f"|{'-' * 46}|{'-' * 14}:|{'-' * 23}:|")
    ours = results.get("svm", {})
    for cause in ours or results.get("xen", {}):
        print(row.format(cause, cell(results.get("xen", {}).get(cause), None), cell(ours.get(cause), GOAL)))
    good = "svm" not in results or (ours and all(ticks <= GOAL for ticks in ours.values()))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
