# SPDX-License-Identifier: MIT
"""Guests for the tests: configuration files written into dom0, and what dom0 says about its domains."""
import dataclasses
import hashlib
import re
import shlex
import time

FOLDER = "/var/lib/xen/guests"


@dataclasses.dataclass
class Guest:
    """One xl configuration. The default is the tiny Linux guest."""

    name: str
    kernel: str = f"{FOLDER}/vmlinuz"
    ramdisk: str | None = f"{FOLDER}/tiny.img"
    memory: int = 128
    vcpus: int = 1
    address: str | None = None  # 10.0.2.x: gives the guest a network card
    kernel_options: tuple[str, ...] = ()  # further words for the tiny guest's kernel
    on_boot: str = ""  # what the tiny guest does at once: panic, spin, poweroff, reboot, silent
    disks: tuple[str, ...] = ()
    settings: dict = dataclasses.field(default_factory=dict)  # further keys of the configuration

    def config(self):
        words = ["console=hvc0", "quiet", f"ADDRESS={self.address}" if self.address else "",
                 f"ON_BOOT={self.on_boot}" if self.on_boot else "", *self.kernel_options]
        values = {"type": "pvh", "name": self.name, "kernel": self.kernel, "memory": self.memory, "vcpus": self.vcpus}
        if self.ramdisk:
            values |= {"ramdisk": self.ramdisk, "cmdline": " ".join(filter(None, words))}
        if self.address:
            # The same card each time: dom0 remembers who had an address, and QEMU's network answers for strangers.
            last_byte = int(self.address.rpartition(".")[2])
            values["vif"] = [f"bridge=xenbr0, mac=00:16:3e:00:00:{last_byte:02x}"]
        if self.disks:
            values["disk"] = list(self.disks)
        return "\n".join(f"{key}={_quoted(value)}" for key, value in (values | self.settings).items()) + "\n"

    def create(self, dom0, options=""):
        path = self.write(dom0)
        dom0.check(f"rm -f {self.log}; xl create {options} {path}", timeout=1800)
        return self

    def write(self, dom0):
        path = f"/tmp/{self.name}.cfg"
        dom0.check(f"printf %s {shlex.quote(self.config())} >{path}")
        return path

    @property
    def log(self):
        """Where xenconsoled keeps what the guest printed."""
        return f"/var/log/xen/console/guest-{self.name}.log"

    def wait_until_up(self, dom0):
        wait_for(dom0, f"grep -q 'tiny guest is up' {self.log}", f"{self.name} to boot")
        return self


def small(name, program="spin", **fields):
    """A guest of a few instructions instead of a Linux: created in no time."""
    return Guest(name, kernel=f"{FOLDER}/{program}.elf", ramdisk=None, memory=fields.pop("memory", 16), **fields)


@dataclasses.dataclass
class Row:
    """One line of `xl list`."""

    number: int
    memory: int
    vcpus: int
    state: str
    seconds: float


def domains(dom0):
    """What `xl list` shows: name -> Row."""
    rows = {}
    for line in dom0.check("xl list").splitlines()[1:]:
        name, number, memory, vcpus, state, seconds = line.split()
        rows[name] = Row(int(number), int(memory), int(vcpus), state, float(seconds))
    return rows


def information(dom0):
    """What `xl info` shows: key -> text."""
    return {key.strip(): value.strip() for key, _, value in
            (line.partition(":") for line in dom0.check("xl info").splitlines())}


def wait_for(dom0, condition, what, polls=900):
    """Polls until a command succeeds in dom0. The number of polls is a hang guard, not an expectation."""
    for _ in range(polls):
        if dom0.run(condition)[0] == 0:
            return
        time.sleep(1)
    raise AssertionError(f"waited in vain for {what}; xl list says:\n{dom0.run('xl list')[1]}")


def wait_until_gone(dom0, name):
    wait_for(dom0, f"! xl domid {name} >/dev/null 2>&1", f"{name} to be gone")


def destroy_all(dom0):
    dom0.run("for name in $(xl list | sed -e 1,2d -e 's/ .*//'); do xl destroy $name; done")


def free_memory(dom0):
    """Free memory in MiB once the hypervisor has scrubbed what it got back: two equal readings in a row."""
    previous = None
    for _ in range(120):
        current = int(information(dom0)["free_memory"])
        if current == previous:
            return current
        previous = current
        time.sleep(1)
    raise AssertionError("free memory does not settle")


def checksum(shell, command):
    """The MD5 sum of what a command prints."""
    match = re.search(r"\b[0-9a-f]{32}\b", shell.check(f"{command} | md5sum", timeout=1800))
    return match.group()


def checksum_of(path):
    """The same for a file of this machine."""
    return hashlib.md5(path.read_bytes()).hexdigest()


def fill(size):
    """A command that prints `size` MiB in which no two blocks are alike. Random bytes throughout would take minutes."""
    return (f"(head -c 1000000 /dev/urandom >/tmp/seed; for n in $(seq {2 * size}); do echo $n; cat /tmp/seed; done)"
            f" | head -c {size << 20}")


def _quoted(value):
    if isinstance(value, list):
        return "[" + ", ".join(map(_quoted, value)) + "]"
    return str(value) if isinstance(value, int) else '"' + str(value) + '"'
