# SPDX-License-Identifier: MIT
"""Guests come and go, again and again, and leave nothing behind: free memory is the same to the MiB."""
import os

import pytest

from guests import Guest, domains, free_memory, wait_until_gone

CYCLES = int(os.environ.get("CYCLES", "20"))


def live_once(dom0, how):
    Guest("tiny", address="10.0.2.21").create(dom0).wait_until_up(dom0)
    dom0.check(f"xl {how} tiny")
    wait_until_gone(dom0, "tiny")


@pytest.mark.fast
def test_memory_is_identical_after_many_guests(dom0):
    live_once(dom0, "shutdown")  # the first guest may leave caches of dom0 grown
    before = free_memory(dom0)
    for number in range(CYCLES):
        live_once(dom0, "shutdown" if number % 2 else "destroy")
    assert free_memory(dom0) == before
    assert list(domains(dom0)) == ["Domain-0"]
