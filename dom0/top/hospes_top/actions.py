# SPDX-License-Identifier: MIT
"""What a key does with the guest that is chosen."""
import dataclasses

CONTROL_DOMAIN, CONTROL_DOMAIN_NAME = 0, "Domain-0"


@dataclasses.dataclass(frozen=True)
class Action:
    key: str
    title: str                # in the line of keys
    command: object           # of the guest and its number: the words of a program
    asks: bool = False        # before it is done
    takes_terminal: bool = False


ACTIONS = (
    Action("c", "console", lambda _, number: ("xl", "console", number), takes_terminal=True),
    Action("p", "pause, go on", lambda guest, number: ("xl", "unpause" if "p" in guest.state else "pause", number)),
    Action("s", "shut down", lambda _, number: ("xl", "shutdown", number), asks=True),
    Action("d", "destroy", lambda _, number: ("xl", "destroy", number), asks=True),
)


def action_of(key):
    return next((action for action in ACTIONS if action.key == key), None)


def refusal(number):
    """Why nothing can be done with the domain of that number, or None."""
    if number is None:
        return "it has just come, or gone"
    return "dom0 is the machine itself: `poweroff` ends it" if number == CONTROL_DOMAIN else None
