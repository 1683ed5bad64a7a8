# SPDX-License-Identifier: MIT
"""What hospes-top makes of the toolstack's words, and of two looks. The texts were printed by xl and xentop 4.17 on Hospes."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "dom0" / "top"))
from hospes_top import figures, rates, texts  # noqa: E402

CONTROL = ("  Domain-0 -----r         20   24.8    1048572   33.6   no limit       n/a     2    0        0        0    0"
           "        0        0        0          0          0    0")
WEB = ("       web --bp--          3    1.5     131072    4.2     132096       4.2     1    1       12       34    2"
       "        1       50       60       7000       8000    0")
VCPUS = """Name                                ID  VCPU   CPU State   Time(s) Affinity (Hard / Soft)
Domain-0                             0     0    0   ---      10.9  all / all
Domain-0                             0     1    1   r--      10.3  all / all
web                                  1     0    -   --p       0.2  0-1 / all
"""
INFO = """host                   : server
nr_cpus                : 2
total_memory           : 3049
free_memory            : 2023
xen_version            : 4.17.0-hospes
xen_changeset          : hospes 0.1 git:4370444bb18d
"""


def test_a_row_is_a_guest():
    guest = figures.guest_of_row(WEB)
    assert (guest.name, guest.condition, guest.cpu, guest.vcpus) == ("web", "paused", 1.5, 1)
    assert (guest.memory, guest.memory_limit) == (131072, 132096)
    assert (guest.sent, guest.received, guest.sectors_read, guest.sectors_written) == (12, 34, 7000, 8000)


def test_a_guest_without_a_limit():
    guest = figures.guest_of_row(CONTROL)
    assert guest.name == "Domain-0" and guest.memory_limit is None and guest.condition == "running" and guest.vcpus == 2


@pytest.mark.parametrize("line", ["", "xentop: error", "      NAME  STATE   CPU(sec) CPU(%)", WEB[:60], WEB.replace("--bp--", "......")])
def test_what_is_no_row_is_none(line):
    assert figures.guest_of_row(line) is None


def test_conditions_name_the_worst_first():
    for state, word in (("--b---", "idle"), ("---sr-", "shut down"), ("---sc-", "crashed"), ("d--s--", "shut down")):
        assert figures.guest_of_row(WEB.replace("--bp--", state)).condition == word


def test_virtual_cpus():
    cpus = figures.virtual_cpus(VCPUS)
    assert [(cpu.guest, cpu.number, cpu.cpu, cpu.seconds) for cpu in cpus] == [
        ("Domain-0", 0, 0, 10.9), ("Domain-0", 1, 1, 10.3), ("web", 0, None, 0.2)]


def test_host():
    assert figures.host(INFO) == figures.Host("server", "hospes 0.1", 2, 3049, 2023)
    assert figures.host(INFO.replace("hospes 0.1 git:4370444bb18d", "Tue")).hypervisor == "Xen 4.17.0-hospes"


def test_numbers():
    said = "Name                                        ID   Mem VCPUs\tState\tTime(s)\nDomain-0    0  1024     2     r-----      20.1\n12    3   128     1     -b----       1.0\n"
    assert figures.numbers(said) == {"Domain-0": 0, "12": 3}


def look(time, guests=(), cpus=(), exits=None, host_cpus=2):
    return rates.Look(time, figures.Host("server", "hospes", host_cpus, 100, 50), tuple(guests), {}, tuple(cpus), exits or {})


def test_traffic_is_of_each_second():
    before, after = figures.guest_of_row(WEB), figures.guest_of_row(WEB.replace("7000", "7100").replace("   12 ", "   32 "))
    assert rates.traffic(look(1, [before]), look(3, [after])) == {"web": rates.Traffic(sent=10 * 1024, read=50 * 512)}


def test_a_guest_that_started_anew_sent_nothing_yet():
    old, new = figures.guest_of_row(WEB), figures.guest_of_row(WEB.replace("7000", "   5").replace("8000", "   6"))
    assert rates.traffic(look(1, [old]), look(2, [new])) == {"web": rates.Traffic()}
    assert rates.traffic(look(1), look(2, [new])) == {}


def test_looks_of_one_moment_have_no_rates():
    one = look(5, [figures.guest_of_row(WEB)], figures.virtual_cpus(VCPUS), {"port": 3})
    assert rates.traffic(one, one) == {} and rates.cpu_loads(one, one) == [0, 0] and rates.exit_rates(one, one) == []


def test_cpus_have_the_time_of_what_runs_there():
    later = VCPUS.replace("10.9", "11.9").replace("10.3", "19.3")
    assert rates.cpu_loads(look(0, cpus=figures.virtual_cpus(VCPUS)), look(2, cpus=figures.virtual_cpus(later))) == [0.5, 1.0]


def test_exits_most_first():
    before, after = look(0, exits={"port": 5, "HLT": 5, "CPUID": 7}), look(2, exits={"port": 15, "HLT": 105, "CPUID": 7, "NMI": 4})
    assert rates.exit_rates(before, after) == [("HLT", 50), ("port", 5)]


@pytest.mark.parametrize("number,text", [(0, "0"), (999, "999"), (1023, "1.0K"), (1024 * 42, "42K"), (1024 * 1000, "1.0M"), (5.5 * 1024**3, "5.5G"), (1e30, "lots")])
def test_amounts_are_short(number, text):
    assert texts.amount(number) == text


def test_many_cpus_have_a_digit_each():
    assert texts.processors([0.35, 1.0]) == ["CPU 0  [||||      ]  35%", "CPU 1  [||||||||||] 100%"]
    assert texts.processors([0.35, 1.0] * 50) == ["CPU   0: " + "39" * 32, "CPU  64: " + "39" * 18]


def test_as_many_exits_as_fit():
    assert texts.exits([("port", 1234.4), ("HLT", 20.0)], 80) == "exits a second: port 1,234, HLT 20"
    assert texts.exits([("port", 1234.4), ("HLT", 20.0)], 30) == "exits a second: port 1,234"
    assert texts.exits([], 80) == "exits a second: nothing is counted"
