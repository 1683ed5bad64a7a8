# SPDX-License-Identifier: MIT
"""Every test guest that can be a dom0 payload, as a pytest case.

HOSPES_TEST_ON=xen runs them on Debian's Xen instead: the reference they were written against.
"""
import os
import sys
import pathlib

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import run  # noqa: E402

ON = os.environ.get("HOSPES_TEST_ON", "hospes")


PAYLOADS = [case for case in run.cases().values() if case.role in ("dom0", "both")]


# Once for those that take their time.
TURNS = [(case, turn) for case in PAYLOADS if case.threads for turn in range(1 if case.loads_itself else 2)]


@pytest.mark.parametrize("case,turn", TURNS, ids=lambda value: getattr(value, "name", value))
def test_guest_with_a_thread_for_each_cpu(case, turn):
    """Races between CPUs show only here. `make soak` has more turns."""
    if ON == "xen":
        pytest.skip("races of ours are looked for")
    outcome = run.run(run.on_threads(case), ON)
    assert outcome.good, f"{outcome.reason}\n{outcome.log}"


@pytest.mark.parametrize("case", PAYLOADS, ids=lambda case: case.name)
def test_guest(case):
    if ON == "xen" and case.differs_on_xen:
        pytest.skip(case.differs_on_xen)
    outcome = run.run(case, ON)
    assert outcome.good, f"{outcome.reason}\n{outcome.log}"
