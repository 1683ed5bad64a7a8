# SPDX-License-Identifier: MIT
"""What the packages promise to dpkg, apt and lintian."""
import gzip
import re
import shutil
import subprocess

import pytest

from package import PACKAGES, ROOT
from guides import commands  # package.py says where it is

XEN_ITSELF = re.compile(r"^Inst (xen-hypervisor-\S+)", re.M)
TOOLSTACK = re.compile(r"^Inst (xen-utils-4\S+)", re.M)


def output(*command, **settings):
    return subprocess.run(command, check=True, capture_output=True, text=True, **settings).stdout


def test_lintian_has_nothing_to_say():
    """Of a tree with changed files, the names of packages grow longer than it likes."""
    said = output("lintian", "--allow-root", "--fail-on", "none", "--tag-display-limit", "0", *map(str, PACKAGES))
    assert [line for line in said.splitlines() if line[:2] in ("E:", "W:") and "package-has-long-file-name" not in line] == []


def test_the_guide_builds_what_is_here():
    """`make check-packaging` has done so."""
    assert commands("installing.md", "build") == ["make deb"]
    assert all(package.exists() for package in PACKAGES)


def test_symbols_are_those_of_the_image(tmp_path):
    for package in PACKAGES[1:3]:
        subprocess.run(["dpkg", "-x", package, tmp_path], check=True)
    [image], [symbols] = tmp_path.glob("boot/*.gz"), tmp_path.glob("usr/lib/debug/boot/*.elf")
    assert image.stem == symbols.stem
    addresses = {name: int(address, 16) for address, _, name in (line.split() for line in output("nm", "--defined-only", symbols).splitlines())}
    start, end = addresses["build_id_start"], addresses["build_id_end"]
    dump = output("objdump", "-s", f"--start-address={start}", f"--stop-address={end}", symbols)
    build_id = bytes.fromhex("".join(re.findall(r"^ [0-9a-f]+ ((?:[0-9a-f]{1,8} ){1,4})", dump, re.M)).replace(" ", ""))
    assert len(build_id) == end - start and build_id in gzip.decompress(image.read_bytes())
    panic = next(hex(address) for name, address in addresses.items() if "panic_with" in name)
    assert "kernel/log/panic.cpp:" in output("addr2line", "-e", symbols, panic)


def install(tmp_path, *packages):
    """What apt would install on a Debian that has nothing yet, with recommends as they are by default."""
    (tmp_path / "status").touch()
    said = subprocess.run(["apt-get", "install", "-s", "-o", f"Dir::State::status={tmp_path}/status", "-o", "APT::Install-Recommends=true",
                           *map(str, packages)], capture_output=True, text=True, check=False)
    if "Unable to locate package xen-utils" in said.stderr:
        pytest.skip("apt knows no Debian here")
    assert said.returncode == 0, said.stderr
    return said.stdout


def test_xen_itself_does_not_come_along(tmp_path):
    tools = output("apt-cache", "search", "--names-only", "^xen-utils-4").split()[0]
    without = install(tmp_path, tools)
    assert XEN_ITSELF.search(without), "without us it does: else this test says nothing"
    together = install(tmp_path, *PACKAGES[:2], tools)
    assert TOOLSTACK.findall(together) == [tools]
    assert XEN_ITSELF.findall(together) == []


def test_the_toolstack_comes_along(tmp_path):
    assert len(TOOLSTACK.findall(install(tmp_path, *PACKAGES[:2]))) == 1


@pytest.fixture
def tree(tmp_path):
    """A repository with what the version is made of."""
    for name in ("packaging/package_version", "packaging/revision.txt", "kernel/version.hpp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "packaging/revision.txt").write_text("$Format:%H %ct$\n")
    git = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
           "GIT_COMMITTER_EMAIL": "a@b", "PATH": "/usr/bin:/bin"}

    def run(*words, date="2026-01-02T03:04:05Z"):
        return output("git", *words, cwd=tmp_path, env=git | {"GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date})
    run("init", "-q")
    run("add", ".")
    run("commit", "-q", "-m", "one")
    return tmp_path, run


def version(folder):
    return output(folder / "packaging/package_version").strip()


def grows(*versions):
    for older, newer in zip(versions, versions[1:]):
        subprocess.run(["dpkg", "--compare-versions", older, "lt", newer], check=True)


def test_versions_grow_and_name_their_commit(tree):
    folder, git = tree
    first = version(folder)
    assert re.fullmatch(r"0\.1\+git20260102\.030405\.[0-9a-f]{7}", first)
    assert version(folder) == first
    git("commit", "-q", "--allow-empty", "-m", "two", date="2026-01-02T10:00:00Z")
    second = version(folder)
    assert git("rev-parse", "HEAD")[:7] in second
    (folder / "kernel/version.hpp").open("a").write("// changed\n")
    changed = version(folder)
    assert changed.endswith(".modified")
    grows("0.1", first, second, changed, "0.2")


def test_a_release_is_its_tag(tree):
    folder, git = tree
    git("tag", "v0.1")
    assert version(folder) == "0.1"


def test_an_archive_knows_its_commit(tree):
    folder, git = tree
    (folder / "packaging/revision.txt").write_text("0123456789abcdef0123456789abcdef01234567 1767323045\n")
    shutil.rmtree(folder / ".git")
    assert version(folder) == "0.1+git20260102.030405.0123456"
    (folder / "packaging/revision.txt").write_text("$Format:%H %ct$\n")
    assert version(folder).endswith(".unknown")
