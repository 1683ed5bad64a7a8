# SPDX-License-Identifier: MIT
"""However a guest ends, the toolstack sees why and does what its configuration says, and nobody else notices."""
import pytest

from guests import Guest, domains, small, wait_for, wait_until_gone

PRESERVE = {"on_poweroff": "preserve", "on_reboot": "preserve", "on_crash": "preserve"}


REASON = {"poweroff": "-", "reboot": "r", "panic": "c"}  # the fifth letter of the state in `xl list`


def ended(name, reason="."):
    """A shell condition: the domain has shut down (fourth letter) and is still there to be looked at."""
    return f"xl list {name} | grep -q ' [-r][-b][-p]s{reason}[-d] '"


@pytest.mark.fast
def test_triple_fault_ends_only_its_guest(dom0):
    small("victim").create(dom0)
    small("fault", "triple_fault", settings=PRESERVE).create(dom0)
    wait_for(dom0, ended("fault"), "the fault to be noticed", polls=60)
    before = domains(dom0)["victim"].seconds
    wait_for(dom0, f"! xl list victim | grep -q ' {before}$'", "the other guest to go on", polls=60)


@pytest.mark.fast
def test_spinning_guests_do_not_starve_dom0(machine, dom0):
    for number in range(2 * machine.scenario.cpus):
        small(f"spin{number}").create(dom0)
    # dom0 still answers, creates and destroys.
    small("late").create(dom0)
    dom0.check("xl destroy late")


@pytest.mark.fast
@pytest.mark.parametrize("how", ["poweroff", "reboot", "panic"])
def test_preserve_keeps_the_body(dom0, how):
    Guest("tiny", on_boot=how, settings=PRESERVE).create(dom0)
    wait_for(dom0, ended("tiny", REASON[how]), f"the {how} to be noticed")


@pytest.mark.fast
def test_poweroff_and_crash_destroy(dom0):
    Guest("off", on_boot="poweroff", settings={"on_poweroff": "destroy"}).create(dom0)
    Guest("crash", on_boot="panic", settings={"on_crash": "destroy"}).create(dom0)
    wait_until_gone(dom0, "off")
    wait_until_gone(dom0, "crash")


@pytest.mark.fast
@pytest.mark.parametrize("how, event", [("reboot", "on_reboot"), ("panic", "on_crash")])
def test_restart_makes_a_new_domain(dom0, how, event):
    Guest("tiny", on_boot=how, settings={event: "restart"}).create(dom0)
    first = domains(dom0)["tiny"].number
    wait_for(dom0, f"xl domid tiny | grep -qvx {first}", "the guest to be made anew")


@pytest.mark.fast
def test_a_silent_guest_is_ended_by_its_watchdog(dom0):
    Guest("silent", on_boot="silent", settings={"on_watchdog": "preserve"}).create(dom0)
    wait_for(dom0, ended("silent", "w"), "the watchdog to end the guest")
    assert "watchdog" in dom0.check("xl dmesg").lower()


@pytest.mark.fast
def test_a_watchdog_has_an_event_of_its_own(dom0):
    Guest("silent", on_boot="silent", settings=PRESERVE | {"on_watchdog": "destroy"}).create(dom0)
    wait_until_gone(dom0, "silent")
