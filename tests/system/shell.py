# SPDX-License-Identifier: MIT
"""A shell at the far end of a serial line, used as if it were a function call.

The line is shared with kernel and hypervisor messages, has no flow control worth the name, and echoes. So:
* a command travels in base64, so that a lost byte can never leave an open quote, and in short pieces, each acknowledged, as
  the hypervisor's receive buffer holds little more than 100 bytes;
* its output is kept in a file over there and sent with its length-proof checksum; a message in the middle makes the
  checksum wrong, then the lines that look like messages are taken out, and if that does not help it is sent again;
* markers contain a number that only the shell can compute, so an echo of the command never looks like its answer.
"""
import base64
import contextlib
import hashlib
import itertools
import re

import pexpect

PIECE = 48  # letters of an encoded command per line
MESSAGE = re.compile(r"(?m)^(\(XEN\)|\(hospes\)|\[ *\d+\.\d+\]|<\d>\[).*\n")

# _r runs the command in $_c, _p sends what it printed (without carriage returns, which the line adds at its own will).
FUNCTIONS = """
_p() { set -- $(md5sum </tmp/.o); printf '\\n<%s.%s %s>\\n' $_n "$_s" $1; cat /tmp/.o; printf '\\n<end %s>\\n' $_n; }
_r() { eval "$_c" >/tmp/.o 2>&1 </dev/null; _s=$?; sed -i 's/\\r//g' /tmp/.o; _p; }
"""


class ShellError(Exception):
    """The far end did not answer as a shell should; the text says what was seen last."""


class Shell:
    """Commands to the shell that currently owns the console; `console` is a pexpect child."""

    _numbers = itertools.count(1000)

    def __init__(self, console, name, sign, interpreter=""):
        """`sign` is a shell condition that holds only over there: on one console dom0 and guests take turns."""
        self.console = console
        self.name = name
        self._sign = sign
        self._interpreter = interpreter

    def attach(self, timeout=120):
        """Finds the shell: asks it to compute something until it does, then prepares it."""
        self._find(timeout)
        if self._interpreter:
            self.console.send(f"exec {self._interpreter}\n")
            self._find(timeout)
        self.console.send("stty -echo; PS1=; PS2=\n")
        self._find(timeout)
        self.console.send(f'eval "{self._transfer(next(self._numbers), FUNCTIONS)}"\n')
        return self

    def answers(self):
        """Whether this shell has the console right now."""
        with contextlib.suppress(ShellError):
            self._find(20)
            return True
        return False

    def run(self, command, timeout=300):
        """Runs a command; returns its exit status and everything it printed."""
        number = next(self._numbers)
        self.console.send(f"_n={number};_c=\"{self._transfer(number, command)}\";_r\n")
        for attempt in range(6):
            answer = self._output(number, timeout if attempt == 0 else 10)
            if answer is not None:
                return answer
            self.console.send("\n_p\n")
        raise self._error(f"no intact output of: {command}")

    def check(self, command, timeout=300):
        """Runs a command that must succeed; returns what it printed."""
        status, output = self.run(command, timeout)
        assert status == 0, f"{self.name}: `{command}` ended with status {status}:\n{output}"
        return output

    def _find(self, timeout):
        for _ in range(0, timeout, 5):
            number = next(self._numbers)
            self.console.send(f"\necho @$(({number}+1))$({self._sign}&&echo yes)@\n")
            if self._answered(f"@{number + 1}yes@", 5):
                return
        raise self._error("no shell answers")

    def _transfer(self, number, text):
        """Brings a text into variables over there, piece by piece; returns the expression that yields it."""
        encoded = base64.b64encode(text.encode()).decode()
        pieces = [encoded[start:start + PIECE] for start in range(0, len(encoded), PIECE)]
        for index, piece in enumerate(pieces):
            self._type(f"_{index}={piece}", number, index)
        return "$(echo " + "".join(f"$_{index}" for index in range(len(pieces))) + "|base64 -d)"

    def _type(self, line, number, index):
        for _ in range(5):
            self.console.send(f"{line};echo \\<a''ck {number}.{index}\\>\n")
            if self._answered(f"<ack {number}.{index}>", 30):
                return
            self.console.send("\x03\n")  # whatever arrived of the line, start afresh
        raise self._error(f"the shell does not acknowledge: {line}")

    def _output(self, number, timeout):
        pattern = rf"<{number}\.(\d+) ([0-9a-f]{{32}})>\r*\n(.*?)\r*\n<end {number}>"
        try:
            self.console.expect(re.compile(pattern, re.DOTALL), timeout=timeout)
        except pexpect.TIMEOUT:
            return None
        except pexpect.EOF:
            raise self._error("the machine ended") from None
        status, checksum, text = self.console.match.groups()
        text = text.replace("\r", "")
        for candidate in (text, MESSAGE.sub("", text), MESSAGE.sub("", text + "\n")):
            if hashlib.md5(candidate.encode("latin-1")).hexdigest() == checksum:
                return int(status), candidate
        return None

    def _answered(self, text, timeout):
        found = self.console.expect_exact([text, pexpect.TIMEOUT, pexpect.EOF], timeout=timeout)
        if found == 2:
            raise self._error("the machine ended")
        return found == 0

    def _error(self, message):
        seen = (self.console.before or "")[-3000:]
        return ShellError(f"{self.name}: {message}; the console's last words:\n{seen}")
