# SPDX-License-Identifier: MIT
"""hospes-top at a terminal, with programs that answer as the toolstack does (programs/)."""
import json
import os
import pathlib
import time

import pexpect
import pyte
import pytest

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE.parents[1] / "dom0" / "top" / "hospes-top"
LONG = 60  # seconds, after which it is not slow but wrong


class Terminal:
    """What a user sees and types."""

    def __init__(self, folder, path=HERE / "programs", size=(24, 100)):
        self.guests = folder / "guests"
        self.say([{"name": "Domain-0", "state": "-----r", "cpu": 24.8, "kib": 1048572, "vcpus": 2, "sent": 0},
                  {"name": "web", "state": "--b---", "cpu": 50.0, "kib": 131072, "vcpus": 1, "sent": 100},
                  {"name": "mail", "state": "--b---", "cpu": 12.5, "kib": 262144, "vcpus": 4, "sent": 1}])
        environment = os.environ | {"GUESTS": str(self.guests), "PATH": f"{path}:/usr/bin:/bin", "TERM": "linux"}
        self._child = pexpect.spawn("/usr/bin/python3", [str(PROGRAM), "-d", "1"], env=environment, dimensions=size)
        self._screen = pyte.Screen(size[1] or 80, size[0] or 24)
        self._stream = pyte.ByteStream(self._screen)

    def say(self, guests):
        new = self.guests.with_suffix(".new")
        new.write_text(json.dumps(guests))
        new.replace(self.guests)

    def done(self):
        record = pathlib.Path(f"{self.guests}.done")
        return record.read_text().splitlines() if record.exists() else []

    def text(self):
        return "\n".join(self._screen.display)

    def line(self, word):
        return next((line for line in self._screen.display if word in line), "")

    def type(self, keys):
        self._child.send(keys)

    def wait(self, condition):
        """Until what is seen is so."""
        end = time.monotonic() + LONG
        while not condition():
            assert time.monotonic() < end, self.text()
            try:
                self._stream.feed(self._child.read_nonblocking(65536, timeout=1))
            except pexpect.TIMEOUT:
                pass
            except pexpect.EOF:
                assert condition(), self.text()
                return

    def chosen(self):
        """The guest whose row stands out, if one does."""
        rows = [line.split()[0] for number, line in enumerate(self._screen.display) if self._screen.buffer[number][0].reverse and line[0] != " "]
        return rows[0] if len(rows) == 1 else None

    def choose(self, name, names=("Domain-0", "mail", "web")):
        """By the arrow keys, one row at a time."""
        names = list(names)
        self.wait(lambda: self.chosen() in names and name in self.text())
        while self.chosen() != name:
            down = names.index(name) > names.index(self.chosen())
            wanted = names[names.index(self.chosen()) + (1 if down else -1)]
            self.type("\x1b[B" if down else "\x1b[A")
            self.wait(lambda: self.chosen() == wanted)

    def end(self):
        self.type("q")
        self.wait(lambda: not self._child.isalive())
        self._child.close()
        return self._child.exitstatus


@pytest.fixture
def terminal(tmp_path):
    return Terminal(tmp_path)


def test_it_shows_the_machine(terminal):
    terminal.wait(lambda: "port" in terminal.line("exits"))
    assert "server" in terminal.line("hospes-top") and "hospes 0.1" in terminal.line("hospes-top")
    assert "1,026 of 3,049 MiB, 2,023 free" in terminal.line("memory [")
    terminal.wait(lambda: terminal.line("web").split()[1:5] == ["idle", "50.0", "1", "128M"])
    terminal.wait(lambda: terminal.line("web").split()[5] != "0" and terminal.line("web").split()[8] != "0")
    terminal.wait(lambda: "0%" not in terminal.line("CPU 1").split("CPU 1")[1])
    exits = terminal.line("exits")
    assert exits.index("port") < exits.index("host interrupt") and "CPUID" not in exits and "memory_op" not in exits
    assert terminal.end() == 0


def test_order(terminal):
    at = lambda name: terminal.text().find("\n" + name)  # noqa: E731
    terminal.wait(lambda: 0 < at("Domain-0") < at("mail") < at("web"))
    terminal.wait(lambda: "50.0" in terminal.line("web"))
    terminal.type("o")
    terminal.wait(lambda: 0 < at("web") < at("Domain-0") < at("mail"))
    terminal.type("o")
    terminal.wait(lambda: 0 < at("Domain-0") < at("mail") < at("web"))
    assert "by memory" in terminal.line("hospes-top")


def test_pause_and_go_on(terminal):
    terminal.choose("web")
    terminal.type("p")
    terminal.wait(lambda: "paused" in terminal.line("web "))
    terminal.type("p")
    terminal.wait(lambda: "idle" in terminal.line("web "))
    assert terminal.done() == ["pause web", "unpause web"]


def test_shutdown_asks_first(terminal):
    terminal.choose("mail")
    terminal.type("s")
    terminal.wait(lambda: "shut down mail? y" in terminal.text())
    terminal.type("n")
    terminal.wait(lambda: "shut down mail?" not in terminal.text())
    assert terminal.done() == []
    terminal.type("s")
    terminal.wait(lambda: "shut down mail? y" in terminal.text())
    terminal.type("y")
    terminal.wait(lambda: not terminal.line("mail  "))
    assert terminal.done() == ["shutdown mail"]


def test_a_console_and_back(terminal):
    terminal.choose("web")
    terminal.type("c")
    terminal.wait(lambda: "this is web's console" in terminal.text())
    terminal.type("\r")
    terminal.wait(lambda: "exits" in terminal.text())
    assert terminal.end() == 0


def test_dom0_is_left_alone(terminal):
    terminal.choose("Domain-0")
    for key in "csdp":
        terminal.type(key)
        terminal.wait(lambda: "dom0 is the machine itself" in terminal.text())
    assert terminal.done() == []


def test_a_refusal_is_shown(terminal):
    guests = json.loads(terminal.guests.read_text())
    guests[1]["refuses"] = True
    terminal.say(guests)
    terminal.choose("web")
    terminal.type("p")
    terminal.wait(lambda: "web: 1 is an invalid domain identifier" in terminal.text())


def test_a_name_that_is_a_number(terminal):
    """xl would take it for another domain's."""
    guests = json.loads(terminal.guests.read_text())
    terminal.say(guests + [dict(guests[1], name="2")])
    terminal.choose("2", names=["2", "Domain-0", "mail", "web"])
    terminal.type("p")
    terminal.wait(lambda: terminal.done() == ["pause 2"])


def test_figures_come_again_after_a_failure(terminal):
    terminal.wait(lambda: "web" in terminal.text())
    pathlib.Path(f"{terminal.guests}.ill").touch()
    terminal.wait(lambda: "Failed to get statistics" in terminal.text())
    guests = json.loads(terminal.guests.read_text())
    terminal.say(guests + [dict(guests[1], name="alpha")])
    terminal.wait(lambda: terminal.line("alpha"))


def test_guests_come_and_go(terminal):
    terminal.choose("web")
    guests = json.loads(terminal.guests.read_text())
    terminal.say(guests[:2] + [dict(guests[1], name="alpha")])
    terminal.wait(lambda: terminal.line("alpha") and not terminal.line("mail  "))
    terminal.wait(lambda: terminal.chosen() == "web")


def test_without_a_toolstack(tmp_path):
    terminal = Terminal(tmp_path, path=tmp_path)
    terminal.wait(lambda: "xentop: No such file or directory" in terminal.text())
    assert terminal.end() == 1


def test_a_terminal_of_no_size(tmp_path):
    terminal = Terminal(tmp_path, size=(0, 0))
    terminal.wait(lambda: "web" in terminal.text() and "q quit" in terminal.text())


def test_not_a_terminal():
    done = pexpect.run(f"/bin/sh -c '/usr/bin/python3 {PROGRAM} </dev/null'", encoding="utf-8")
    assert "wants a terminal" in done
