# SPDX-License-Identifier: MIT
"""What happened between two looks, for each second."""
import dataclasses

SECTOR = 512
KIB = 1024


@dataclasses.dataclass(frozen=True)
class Look:
    """All figures of one moment. `time` is a clock's that only goes forward, in seconds."""
    time: float
    host: object
    guests: tuple         # of figures.Guest
    numbers: dict         # of domains, by name
    virtual_cpus: tuple
    exits: dict


@dataclasses.dataclass(frozen=True)
class Traffic:
    """Bytes a second."""
    sent: float = 0
    received: float = 0
    read: float = 0
    written: float = 0


def grown(before, after):
    """A counter that has become smaller belongs to another guest of that name, or was cleared."""
    return max(after - before, 0)


def traffic(before, after):
    """By the guest's name; nothing for guests that were not there before."""
    seconds = after.time - before.time
    if seconds <= 0:
        return {}
    earlier = {guest.name: guest for guest in before.guests}
    found = {}
    for guest in after.guests:
        old = earlier.get(guest.name)
        if old:
            found[guest.name] = Traffic(sent=grown(old.sent, guest.sent) * KIB / seconds,
                                        received=grown(old.received, guest.received) * KIB / seconds,
                                        read=grown(old.sectors_read, guest.sectors_read) * SECTOR / seconds,
                                        written=grown(old.sectors_written, guest.sectors_written) * SECTOR / seconds)
    return found


def cpu_loads(before, after):
    """Of each CPU of the machine, from 0 to 1: the time of the vCPUs that are there now. One that has moved meanwhile
    counts where it is."""
    seconds = after.time - before.time
    earlier = {(cpu.guest, cpu.number): cpu.seconds for cpu in before.virtual_cpus}
    loads = [0.0] * after.host.cpus
    for cpu in after.virtual_cpus:
        old = earlier.get((cpu.guest, cpu.number))
        if old is not None and cpu.cpu is not None and cpu.cpu < len(loads) and seconds > 0:
            loads[cpu.cpu] = min(loads[cpu.cpu] + grown(old, cpu.seconds) / seconds, 1.0)
    return loads


def exit_rates(before, after):
    """Reasons with their exits a second, most first."""
    seconds = after.time - before.time
    if seconds <= 0:
        return []
    rates = [(reason, grown(before.exits.get(reason, count), count) / seconds) for reason, count in after.exits.items()]
    return sorted((row for row in rates if row[1] > 0), key=lambda row: -row[1])
