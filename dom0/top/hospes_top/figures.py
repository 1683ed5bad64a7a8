# SPDX-License-Identifier: MIT
"""What the toolstack's own programs print, as values. Each function takes one program's output."""
import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Guest:
    """A row of xentop. Counters grow from the guest's start on; sectors have 512 bytes."""
    name: str
    state: str            # xentop's letters: d b c p s r
    seconds: int          # of CPU time
    cpu: float            # per cent of one CPU, since the row before
    memory: int           # KiB
    memory_limit: int     # KiB; None: no limit
    vcpus: int
    sent: int             # KiB by its networks, as the guest sees it
    received: int
    sectors_read: int
    sectors_written: int

    @property
    def condition(self):
        for letter, word in (("c", "crashed"), ("s", "shut down"), ("d", "dying"), ("p", "paused"), ("r", "running")):
            if letter in self.state:
                return word
        return "idle"


@dataclasses.dataclass(frozen=True)
class VirtualCpu:
    guest: str
    number: int
    cpu: int              # where it is, or was last; None: nowhere
    seconds: float


@dataclasses.dataclass(frozen=True)
class Host:
    name: str
    hypervisor: str
    cpus: int
    memory: int           # MiB
    free: int             # MiB


# A name may have anything but white space; dom0 without a limit has "no limit" and "n/a".
ROW = re.compile(r"^\s*(?P<name>\S+)\s+(?P<state>[-dbcpsr]{6})\s+(?P<seconds>\d+)\s+(?P<cpu>[\d.]+)\s+(?P<memory>\d+)"
                 r"\s+[\d.]+\s+(?P<limit>no limit|\d+)\s+(?:n/a|[\d.]+)(?P<rest>(?:\s+\d+)+)\s*$")
# After them: networks' number, sent, received; disks' number, stalls, reads, writes, sectors of both.
VCPUS, SENT, RECEIVED, SECTORS_READ, SECTORS_WRITTEN = 0, 2, 3, 8, 9


def guest_of_row(line):
    """A line of `xentop -b -f`, or None if it is none about a guest."""
    row = ROW.match(line)
    rest = [int(word) for word in row["rest"].split()] if row else []
    if len(rest) <= SECTORS_WRITTEN:
        return None
    return Guest(name=row["name"], state=row["state"], seconds=int(row["seconds"]), cpu=float(row["cpu"]),
                 memory=int(row["memory"]), memory_limit=None if row["limit"] == "no limit" else int(row["limit"]),
                 vcpus=rest[VCPUS], sent=rest[SENT], received=rest[RECEIVED], sectors_read=rest[SECTORS_READ],
                 sectors_written=rest[SECTORS_WRITTEN])


def is_heading(line):
    return line.split()[:2] == ["NAME", "STATE"]


def numbers(text):
    """`xl list`: each domain's number, by its name. Names of digits would be numbers to xl, so that it is told numbers only."""
    rows = re.findall(r"^(\S+)\s+(\d+)\s+\d+\s+\d+\s", text, re.M)
    return {name: int(number) for name, number in rows}


def virtual_cpus(text):
    """`xl vcpu-list`."""
    found = []
    for line in text.splitlines():
        row = re.match(r"^(\S+)\s+\d+\s+(\d+)\s+(-|\d+)\s+(\S+)\s+([\d.]+)\s", line)
        if row:
            cpu = None if row[3] == "-" else int(row[3])
            found.append(VirtualCpu(guest=row[1], number=int(row[2]), cpu=cpu, seconds=float(row[5])))
    return found


def exits(text):
    """`xenperf`: how often guests were left, by reason, since the counters were last cleared."""
    rows = re.findall(r"^exit: (.+?)\s+T=\s*(\d+)", text, re.M)
    return {reason: int(count) for reason, count in rows}


def host(text):
    """`xl info`."""
    said = dict(re.findall(r"^(\w+)\s*: *(.*?)\s*$", text, re.M))
    hypervisor = re.sub(r" git:.*", "", said.get("xen_changeset", ""))
    if not hypervisor.startswith("hospes"):
        hypervisor = "Xen " + said.get("xen_version", "")
    return Host(name=said.get("host", ""), hypervisor=hypervisor, cpus=int(said.get("nr_cpus", 0)),
                memory=int(said.get("total_memory", 0)), free=int(said.get("free_memory", 0)))
