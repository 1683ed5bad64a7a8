# SPDX-License-Identifier: MIT
"""Guests and dom0 reach each other over the bridge, and what arrives is what was sent."""
import pytest

from guests import Guest, checksum, fill

SIZES = [pytest.param(8, marks=[pytest.mark.fast, pytest.mark.core]), pytest.param(64, marks=pytest.mark.slow)]  # MiB


def serve(shell, size, port=8000):
    """Offers a file by HTTP; returns its checksum."""
    shell.check(f"mkdir -p /tmp/www; {fill(size)} >/tmp/www/blob", timeout=1800)
    shell.run(f"busybox httpd -p {port} -h /tmp/www")  # it may run already
    return checksum(shell, "cat /tmp/www/blob")


def fetch(shell, address, port=8000):
    return checksum(shell, f"busybox wget -q -O - http://{address}:{port}/blob")


@pytest.mark.parametrize("size", SIZES)
def test_ping_and_transfers_in_every_direction(machine, dom0, size):
    left_guest = Guest("left", memory=256, address="10.0.2.21").create(dom0)
    Guest("right", memory=256, vcpus=2, address="10.0.2.22").create(dom0).wait_until_up(dom0)
    left_guest.wait_until_up(dom0)

    for last in (21, 22):
        dom0.check(f"ping -c 5 -W 30 10.0.2.{last}")
        dom0.check(f"busybox ping6 -c 5 -W 30 fd00::{last}")
    from_dom0 = serve(dom0, size)
    with machine.guest_console("left") as left:
        left.check("ping -c 3 -W 30 10.0.2.22; ping6 -c 3 -W 30 fd00::22")
        assert fetch(left, "10.0.2.15") == from_dom0
        from_left = serve(left, size)
    assert fetch(dom0, "10.0.2.21") == from_left
    with machine.guest_console("right") as right:
        assert fetch(right, "10.0.2.21") == from_left
        assert fetch(right, "[fd00::21]") == from_left
