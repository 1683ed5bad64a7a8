#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run what may find something new each time for as long as told, and keep what it found.

    tests/guests/soak.py --seconds 3600

Turns of: the hypercall fuzzer with a new seed, with one thread for all CPUs and with one for each; the guests that run
with a thread for each CPU; 1,000 lives of guests. What fails is told with its seed and how to run it again, and its log
is kept in build/soak/. The turn that is under way when time is up is brought to its end.
"""
import argparse
import dataclasses
import itertools
import pathlib
import random
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import run  # noqa: E402

CALLS = re.compile(r": (\d+) calls in (\d+) ms")
CALLS_OF_A_TURN = 2_000_000
LIVES_OF_A_KIND = 67  # of fifteen kinds: 1,000
HANG_GUARD = 20       # times the usual limit, for turns that are so much longer


def longer(case, arguments):
    """`case` with more to do."""
    return dataclasses.replace(case, arguments=f"{arguments} {case.arguments}".strip(),
                               timeout=case.timeout * HANG_GUARD)


def turns(numbers):
    """Cases without end, each pseudo-random one with a seed of its own."""
    known = run.cases()
    threaded = [run.on_threads(case) for case in known.values()
                if case.threads and case.name not in ("hypercall_fuzz", "lives")]
    for number in itertools.count():
        for form in (lambda case: case, run.on_threads):
            yield form(longer(known["hypercall_fuzz"], f"seed={numbers.getrandbits(48)} calls={CALLS_OF_A_TURN}"))
        yield from threaded
        form = run.on_threads if number % 2 else lambda case: case
        yield form(longer(known["lives"], f"lives={LIVES_OF_A_KIND}"))


def keep(case, outcome, number):
    """Writes the log of a failure; where to."""
    folder = run.ROOT / "build" / "soak"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{number}-{case.name}.log"
    path.write_text(f"{run.command(case, 'hospes')}\n{outcome.reason}\n{outcome.log}")
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=time.time_ns(), help="of the seeds")
    arguments = parser.parse_args()
    print(f"soak: --seed {arguments.seed}", flush=True)
    end = time.monotonic() + arguments.seconds
    passed = failed = calls = 0
    for number, case in enumerate(turns(random.Random(arguments.seed))):
        if time.monotonic() >= end:
            break
        outcome = run.run(case)
        for made, _ in CALLS.findall(outcome.log):
            calls += int(made)
        passed += outcome.good
        failed += not outcome.good
        print(f"{'good' if outcome.good else 'BAD '} {case.name:20} {outcome.seconds:6.1f} s  {outcome.reason}  "
              f"[{case.arguments}]", flush=True)
        if not outcome.good:
            print(f"     log: {keep(case, outcome, number)}", flush=True)
    print(f"soak: {calls} hypercalls\n{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
