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


@pytest.mark.parametrize("case", [case for case in run.cases().values() if case.role in ("dom0", "both")],
                         ids=lambda case: case.name)
def test_guest(case):
    if ON == "xen" and case.differs_on_xen:
        pytest.skip(case.differs_on_xen)
    outcome = run.run(case, ON)
    assert outcome.good, f"{outcome.reason}\n{outcome.log}"
