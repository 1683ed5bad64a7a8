# SPDX-License-Identifier: MIT
"""What a key does with the guest that is chosen."""
import dataclasses

CONTROL_DOMAIN = "Domain-0"


@dataclasses.dataclass(frozen=True)
class Action:
    key: str
    title: str                # in the line of keys
    command: object           # of the guest: the words of a program
    asks: bool = False        # before it is done
    takes_terminal: bool = False


ACTIONS = (
    Action("c", "console", lambda guest: ("xl", "console", guest.name), takes_terminal=True),
    Action("p", "pause, go on", lambda guest: ("xl", "unpause" if "p" in guest.state else "pause", guest.name)),
    Action("s", "shut down", lambda guest: ("xl", "shutdown", guest.name), asks=True),
    Action("d", "destroy", lambda guest: ("xl", "destroy", guest.name), asks=True),
)


def action_of(key):
    return next((action for action in ACTIONS if action.key == key), None)


def refusal(guest):
    """Why nothing can be done with it, or None."""
    return "dom0 is the machine itself: `poweroff` ends it" if guest.name == CONTROL_DOMAIN else None
