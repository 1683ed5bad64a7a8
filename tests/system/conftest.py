# SPDX-License-Identifier: MIT
"""Fixtures of the system tests: which hypervisor, one booted machine per file, a tidy dom0 for every test."""
import os

import pytest

from guests import destroy_all
from machine import BUILD, DOM0, Machine, Scenario


def pytest_addoption(parser):
    parser.addoption("--hypervisor", choices=("hospes", "xen"), default="hospes",
                     help="what runs below dom0: Hospes, or the Xen of dom0's Debian to compare with")


def pytest_configure(config):
    config.addinivalue_line("markers", "fast: part of `make check`")
    config.addinivalue_line("markers", "core: run on dom0s of every Debian, by `make system-trixie` and the like")
    config.addinivalue_line("markers", "slow: minutes to hours under emulation")


@pytest.fixture(scope="session")
def hypervisor(request):
    choice = request.config.getoption("--hypervisor")
    if not (DOM0 / "ramdisk.img").exists() or not (DOM0 / "release").exists():
        pytest.exit("no dom0 images: run dom0/image/build_image first", returncode=2)
    if not Scenario(hypervisor=choice).hypervisor_image().exists():
        pytest.exit(f"no {choice} image in {BUILD}: build it first", returncode=2)
    return choice


@pytest.fixture
def scenario(hypervisor):
    """Makes a scenario for the chosen hypervisor."""
    return lambda **settings: Scenario(hypervisor=hypervisor, **settings)


@pytest.fixture
def start(request):
    """Starts further machines for one test, each ended with it: start(scenario)."""
    running = []

    def start_one(wanted):
        machine = Machine(wanted, _log_path(wanted.hypervisor, request.node.name, len(running))).__enter__()
        running.append(machine)
        return machine

    yield start_one
    for machine in running:
        machine.__exit__()


@pytest.fixture
def blob(tmp_path):
    """A file of 16 MiB unlike any other, to be a disk."""
    path = tmp_path / "blob"
    path.write_bytes(os.urandom(16 << 20))
    return path


@pytest.fixture(scope="module")
def machine(request, hypervisor):
    """The machine all tests of a file share; the file's SCENARIO says what is special about it."""
    wanted = Scenario(hypervisor=hypervisor, **getattr(request.module, "SCENARIO", {}))
    with Machine(wanted, _log_path(hypervisor, request.module.__name__, 0)) as running:
        yield running.boot()


@pytest.fixture
def dom0(machine):
    """dom0's shell on the shared machine. Guests that a test leaves behind are destroyed."""
    if not machine.alive():
        pytest.fail("the machine ended in an earlier test")
    yield machine.dom0
    if machine.alive():
        if not machine.dom0.answers():  # a failed test left us on a guest's console
            machine.leave_console()
        destroy_all(machine.dom0)


def _log_path(hypervisor, name, number):
    safe = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
    folder = BUILD / "system-logs" / ("" if hypervisor == "hospes" else hypervisor)
    return folder / (f"{safe}.log" if number == 0 else f"{safe}-{number}.log")
