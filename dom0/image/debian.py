# SPDX-License-Identifier: MIT
"""Debian parts: root file systems by mmdebstrap, programs with their libraries, kernel modules with their dependencies."""
import lzma
import os
import platform
import re
import subprocess
from functools import cache
from pathlib import Path

from stage import run

# Files nobody reads in an image for tests. Debian's own way to leave files out of an installation.
LEFT_OUT = (
    "/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*",
    *(f"/lib/modules/*/kernel/{directory}/*" for directory in (
        "sound", "drivers/gpu", "drivers/media", "drivers/staging", "drivers/infiniband", "drivers/iio", "drivers/hwmon",
        "drivers/net/wireless", "drivers/isdn", "drivers/bluetooth", "drivers/hid", "drivers/usb", "drivers/video",
        "drivers/input", "drivers/mtd", "drivers/comedi", "net/wireless", "net/mac80211", "net/bluetooth")),
)


def bootstrap(release, target, packages, commands=(), left_out=LEFT_OUT):
    """A root file system of a Debian release as a tar archive; `commands` are run inside it at the end."""
    options = ["--variant=minbase", "--mode=" + ("root" if os.geteuid() == 0 else "unshare"), "--format=tar",
               "--include=" + ",".join(packages), '--aptopt=Apt::Install-Recommends "false"']
    options += [f"--dpkgopt=path-exclude={pattern}" for pattern in left_out]
    options += [f"--customize-hook=chroot \"$1\" sh -c '{command}'" for command in commands]
    # No initial RAM disks by the distribution unless a command asks for one: they take longer than all the rest.
    environment = dict(os.environ, INITRD="No", LC_ALL="C.UTF-8")
    run("mmdebstrap", *options, release.debian, target, *sources(release), env=environment)


def sources(release):
    """A release's lines for apt: this machine's own, with the name of its release exchanged. This machine knows none, as it
    is no Debian: mmdebstrap's own choice."""
    template = "$(REPO_URI) $(RELEASE) $(COMPONENT)|$(ORIGIN)"
    result = subprocess.run(["apt-get", "indextargets", "--format", template, "Created-By: Packages"],
                            capture_output=True, text=True, check=False)
    lines = [line.removesuffix("|Debian").split() for line in sorted(set(result.stdout.splitlines())) if line.endswith("|Debian")]
    here = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    found = []
    for mirror, suite, component in lines:
        if (same := suite.replace(here, release.debian)) in release.suites():
            found.append(f"deb {mirror} {same} {component}")
        if release.kernels and suite == here:
            found.append(f"deb {mirror} {release.kernels} {component}")
    return found


class Tree:
    """An unpacked Debian root file system."""

    def __init__(self, root):
        self.root = Path(root)
        toolstacks = [str(path.relative_to(self.root)) for path in self.root.glob("usr/lib/xen-*/lib/x86_64-linux-gnu")]
        self._library_folders = ("usr/lib/x86_64-linux-gnu", *toolstacks, "usr/lib64", "usr/lib")

    def kernel(self, flavour):
        """The version string of the installed kernel of a flavour: "amd64" (generic) or "cloud-amd64"."""
        versions = [path.name.removeprefix("vmlinuz-") for path in (self.root / "boot").glob(f"vmlinuz-*-{flavour}")]
        return next(version for version in versions if ("cloud" in version) == ("cloud" in flavour))

    def find(self, path):
        """A path inside the tree with every symbolic link on the way resolved inside the tree."""
        parts, done = [part for part in str(path).split("/") if part], self.root
        while parts:
            done = done / parts.pop(0)
            if done.is_symlink():
                target = os.readlink(done)
                parts = [part for part in target.split("/") if part] + parts
                done = self.root if target.startswith("/") else done.parent
        return Path(os.path.normpath(done))

    @cache
    def libraries(self, program):
        """All shared libraries a program needs, as paths in the tree."""
        dump = subprocess.run(["readelf", "-d", "-l", str(program)], capture_output=True, text=True, check=False).stdout
        found = set()
        for name in re.findall(r"\(NEEDED\).*\[(.+)\]", dump):
            library = next((self.root / folder / name for folder in self._library_folders
                            if os.path.lexists(self.root / folder / name)), None)
            if library is None:
                raise SystemExit(f"build_image: {program} needs {name}, which is nowhere in {self.root}")
            found |= {library} | self.libraries(self.find(library.relative_to(self.root)))
        return frozenset(found)

    def modules(self, version, names):
        """The named kernel modules and all they need, as paths relative to lib/modules/VERSION. Of a name with `?` behind it
        nothing, if this kernel knows no such module."""
        folder = self.root / "usr/lib/modules" / version
        dependencies = {_module_name(line): [] for line in (folder / "modules.builtin").read_text().splitlines()}
        for line in (folder / "modules.dep").read_text().splitlines():
            module, needed = line.split(":")
            dependencies[_module_name(module)] = [module, *needed.split()]
        wanted = [name.rstrip("?").replace("-", "_") for name in names]
        known = [name for name, listed in zip(wanted, names) if name in dependencies or not listed.endswith("?")]
        return sorted({path for name in known for path in dependencies[name]})


def _module_name(path):
    return Path(path).name.partition(".ko")[0].replace("-", "_")


def module_content(path):
    """A kernel module, unpacked: newer kernels come with packed ones, and unpacking takes time at every start."""
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
