# SPDX-License-Identifier: MIT
"""The messages with which a boot can fail, or that something fails with at boot, as the sources have them."""
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LITERAL = r'"(?:[^"\\]|\\.)*"'

# What logs, in which folders. The words of load_failure.cpp are put into a message of builder.cpp.
CALLS = {
    "refuse_to_boot": ("kernel", "arch", "drivers", "boot"), "panic": ("kernel", "arch", "drivers", "boot"),
    "panic_at": ("kernel", "arch", "drivers", "boot"), "log_error": ("kernel", "arch", "drivers", "boot"),
    "log_warning": ("kernel", "arch", "drivers", "boot"), "refuse": ("drivers/iommu",), "broken": ("drivers/acpi",),
    "absent": ("drivers/acpi",), "fail": ("boot/uefi",),
}
DESCRIPTIONS = "kernel/dom0/load_failure.cpp"

# Not about a boot: what a guest did, what belongs to a panic that was already named, and DEBUG=1.
LATER = ("kernel/hypercall/", "arch/x86_64/guest/", "kernel/log/panic.cpp", "kernel/log/symbols.cpp", "kernel/log/console_input.cpp",
         "kernel/domain/machine_end.cpp", "kernel/domain/watchdogs.cpp", "kernel/debug/lock_checker.cpp")
REGISTERS = re.compile(r"^(rax|rsi|r8|r12|rip|cr0) ")


def text_of(literals):
    return "".join(literal[1:-1] for literal in re.findall(LITERAL, literals)).replace('\\"', '"')


def key_of(message):
    """What a message is found by: its first sentence, with … for what is filled in."""
    sentence = re.split(r"(?:\. |; )", re.sub(r"\{[^}]*\}", "…", message), maxsplit=1)[0]
    return sentence.strip(" :[")


def found_in(path, source):
    """The messages of one source file."""
    for call, folders in CALLS.items():
        if path.startswith(folders):
            for literals in re.findall(rf"\b{call}\((?:[^\"();]|\([^()]*\))*?((?:{LITERAL}\s*)+)", source):
                yield text_of(literals)
    if path == DESCRIPTIONS:
        for literals in re.findall(rf"Description\{{\w+,\s*((?:{LITERAL}\s*)+)", source):
            yield text_of(literals)


def messages():
    """Key of each message -> the file that has it."""
    paths = sorted(path for top in ("boot", "kernel", "arch", "drivers") for path in (ROOT / top).rglob("*.[ch]pp"))
    names = {str(path.relative_to(ROOT)): path for path in paths}
    return {key_of(message): name for name, path in names.items() if not name.startswith(LATER)
            for message in found_in(name, path.read_text()) if key_of(message) and not REGISTERS.match(message)}
