# SPDX-License-Identifier: MIT
"""Figures as short texts, in ASCII: a serial line's terminal may know nothing else."""
MANY_CPUS = 16  # of so many each has a bar, of more a digit


def amount(number):
    """Of bytes, in at most five characters: 0, 812, 4.2K, 96M."""
    for unit in ("", "K", "M", "G", "T", "P"):
        if number < 999.5:
            return f"{number:.1f}{unit}" if unit and number < 9.95 else f"{number:.0f}{unit}"
        number /= 1024
    return "lots"


def bar(share, width):
    filled = round(min(max(share, 0), 1) * width)
    return "[" + "|" * filled + " " * (width - filled) + "]"


def processors(loads):
    """One text for each that is to be shown."""
    if len(loads) <= MANY_CPUS:
        return [f"CPU {number:<2} {bar(load, 10)} {load:4.0%}" for number, load in enumerate(loads)]
    return [f"CPU {first:>3}: " + "".join(str(min(int(load * 10), 9)) for load in loads[first:first + 64])
            for first in range(0, len(loads), 64)]


def memory(host):
    used = host.memory - host.free
    share = used / host.memory if host.memory else 0
    return f"memory {bar(share, 20)} {used:,} of {host.memory:,} MiB, {host.free:,} free"


def exits(rates, width):
    """As many reasons as fit."""
    text = "exits a second:"
    if not rates:
        return text + " nothing is counted"
    for reason, rate in rates:
        item = f" {reason} {rate:,.0f},"
        if len(text) + len(item) > width:
            break
        text += item
    return text.rstrip(",")


# Heading, width, alignment, text of a guest and its traffic.
COLUMNS = (
    ("guest", 20, "left", lambda guest, _: guest.name),
    ("state", 9, "left", lambda guest, _: guest.condition),
    ("CPU %", 6, "right", lambda guest, _: f"{guest.cpu:.1f}"),
    ("vCPUs", 5, "right", lambda guest, _: str(guest.vcpus)),
    ("memory", 6, "right", lambda guest, _: amount(guest.memory * 1024)),
    ("sent", 5, "right", lambda _, traffic: amount(traffic.sent)),
    ("received", 8, "right", lambda _, traffic: amount(traffic.received)),
    ("read", 5, "right", lambda _, traffic: amount(traffic.read)),
    ("written", 7, "right", lambda _, traffic: amount(traffic.written)),
)
ORDERS = (("name", lambda guest: guest.name), ("CPU", lambda guest: -guest.cpu), ("memory", lambda guest: -guest.memory))


def columns(texts):
    cells = []
    for (_, width, alignment, _), text in zip(COLUMNS, texts):
        cells.append(text[:width].ljust(width) if alignment == "left" else text.rjust(width))
    return " ".join(cells)


def heading():
    return columns([title for title, *_ in COLUMNS])


def row(guest, traffic):
    return columns([text(guest, traffic) for *_, text in COLUMNS])
