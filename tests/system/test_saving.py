# SPDX-License-Identifier: MIT
"""A guest is saved and restored, saved and lives on, or moved to another domain; it notices no more than it must."""
import dataclasses

import pytest

from guests import Guest, domains, wait_for

pytestmark = pytest.mark.slow

# After a restore Linux (6.12 for one) does not mask the events again by which waiters for a spinlock are kicked: the
# shared page is new, and nothing is masked there. One kick, and it panics in dummy_handler (arch/x86/xen/spinlock.c).
WITHOUT_LINUX_FAULT = ("nopvspin",)
COUNT = "counter=0; while :; do counter=$((counter + 1)); echo count $counter; sleep 1; done &"


def counts_on(dom0, guest):
    """Waits for output of the guest that was not there before."""
    lines = int(dom0.check(f"grep -c '^count' {guest.log} || :"))
    wait_for(dom0, f"[ $(grep -c '^count' {guest.log}) -gt {lines + 2} ]", f"{guest.name} to count on", polls=60)


@pytest.fixture(params=[1, 2], ids=["one-vcpu", "two-vcpus"])
def guest(machine, dom0, request):
    """A guest that counts on its console."""
    running = Guest("tiny", vcpus=request.param, address="10.0.2.21",
                    kernel_options=WITHOUT_LINUX_FAULT).create(dom0).wait_until_up(dom0)
    machine.console.send("xl console tiny\n")
    machine.guest_shell("tiny").attach()
    machine.console.send(COUNT + "\n")
    machine.expect("count 2")
    machine.leave_console()
    return running


@pytest.mark.core
def test_saved_and_restored(dom0, guest):
    dom0.check("xl save tiny /tmp/tiny.save", timeout=1800)
    assert "tiny" not in domains(dom0)
    dom0.check("xl restore /tmp/tiny.save", timeout=1800)
    counts_on(dom0, guest)
    dom0.check("ping -c 3 -W 30 10.0.2.21; rm /tmp/tiny.save")


def test_saved_and_lives_on(dom0, guest):
    number = domains(dom0)["tiny"].number
    dom0.check("xl save -c tiny /tmp/tiny.save", timeout=1800)
    assert domains(dom0)["tiny"].number == number
    counts_on(dom0, guest)
    dom0.check("ping -c 3 -W 30 10.0.2.21; rm /tmp/tiny.save")


def test_migrated_to_the_same_machine(dom0, guest):
    number = domains(dom0)["tiny"].number
    dom0.check("xl migrate -s '' tiny 'xl migrate-receive'", timeout=1800)
    assert domains(dom0)["tiny"].number != number
    counts_on(dom0, dataclasses.replace(guest, name="tiny--incoming"))  # as xenconsoled got to know it
    dom0.check("ping -c 3 -W 30 10.0.2.21")
