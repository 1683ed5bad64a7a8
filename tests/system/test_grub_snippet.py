# SPDX-License-Identifier: MIT
"""The package's part of GRUB's configuration tells the hypervisor which release's tools are installed."""
import subprocess

import pytest

from machine import ROOT

pytestmark = [pytest.mark.fast, pytest.mark.core]


def options_with(tmp_path, *versions):
    """GRUB_CMDLINE_XEN as update-grub has it after the snippet, on a machine with the tools of these releases."""
    for version in versions:
        tools = tmp_path / f"xen-{version}/bin"
        tools.mkdir(parents=True)
        (tools / "xl").touch()
    (tmp_path / "xen-common/bin").mkdir(parents=True)
    snippet = (ROOT / "packaging/grub.cfg").read_text()
    assert "/usr/lib/xen-" in snippet
    script = f'set -eu; GRUB_CMDLINE_XEN="ucode=scan"; {snippet.replace("/usr/lib/", f"{tmp_path}/")}\necho "$GRUB_CMDLINE_XEN"'
    return subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.parametrize("installed, told", [(["4.17"], ["toolstack=4.17"]), (["4.20"], ["toolstack=4.20"]),
                                             (["4.17", "4.20"], ["toolstack=4.20"]), ([], [])])
def test_the_newest_tools_decide(tmp_path, installed, told):
    assert [word for word in options_with(tmp_path, *installed) if word.startswith("toolstack=")] == told


def test_what_the_admin_has_there_stays(tmp_path):
    assert options_with(tmp_path, "4.20")[0] == "ucode=scan"
