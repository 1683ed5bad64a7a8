# SPDX-License-Identifier: MIT
"""The commands of the guides in docs/, by the marks that stand above them:

    <!-- tried: disk -->          a test runs them: commands("administering-guests.md", "disk")
    <!-- not tried: reason -->
    <!-- a file -->               nothing to run: a configuration, or what is shown

A block is what Markdown shows as code: lines indented by four or more, after an empty line.
"""
import dataclasses
import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDES = ("first-steps.md", "installing.md", "administering-guests.md", "building-guests.md", "networking.md", "from-xen.md",
          "troubleshooting.md", "reading-a-panic.md", "nested-qemu-kvm.md")
MARK = re.compile(r" *<!-- (tried|not tried|a file)(?:: (.+))? -->")


@dataclasses.dataclass
class Block:
    line: int
    kind: str  # tried, not tried, a file; empty if nothing is said
    name: str
    lines: list


def blocks(text):
    """The blocks of a guide, in order."""
    found, mark, open_block, after_empty = [], ("", ""), None, True
    for number, line in enumerate(text.splitlines(), 1):
        if matched := MARK.fullmatch(line):
            mark, open_block = (matched[1], matched[2] or ""), None
        elif not line.strip():
            after_empty = True
            continue
        elif line.startswith("    ") and (open_block or after_empty):
            if not open_block:
                open_block = Block(number, *mark, [])
                found.append(open_block)
                mark = ("", "")
            open_block.lines.append(line)
        else:
            open_block, mark = None, ("", "")
        after_empty = False
    return found


def commands(guide, name, **values):
    """The commands of a block marked `tried: name`, a line each; NAMES in capitals are exchanged for `values`."""
    [block] = [block for block in blocks((DOCS / guide).read_text()) if (block.kind, block.name) == ("tried", name)]
    text = "\n".join(line.strip() for line in block.lines).replace("\\\n", "")
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text.splitlines()
