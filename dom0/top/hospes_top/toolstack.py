# SPDX-License-Identifier: MIT
"""Runs the toolstack's programs: xentop all the time, the others each time that it has printed its table."""
import subprocess
import threading
import time

from hospes_top import figures, rates


class Trouble(Exception):
    """A program of the toolstack failed: what it said."""


def last_line(text):
    return (text.strip().splitlines() or [""])[-1]


def run(*words):
    """The output of a program. Trouble."""
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                              errors="replace", check=False)
    except OSError as error:
        raise Trouble(f"{words[0]}: {error.strerror}") from error
    if done.returncode != 0:
        raise Trouble(last_line(done.stderr) or last_line(done.stdout) or f"{' '.join(words)}: failed")
    return done.stdout


def exits():
    """Xen has such counters only if it was built for them."""
    try:
        return figures.exits(run("xenperf"))
    except Trouble:
        return {}


class Watcher:
    """Looks every `interval` seconds, in a thread of its own; each look is given to `show`, trouble to `complain`."""

    def __init__(self, interval, show, complain):
        self._interval, self._show, self._complain = interval, show, complain
        self._xentop = None
        self._is_over = False

    def start(self):
        threading.Thread(target=self._watch, daemon=True).start()

    def stop(self):
        self._is_over = True
        if self._xentop:
            self._xentop.terminate()

    def _watch(self):
        """What fails is begun anew: a program may have met a guest that was just going."""
        while not self._is_over:
            try:
                for guests, numbers in self._tables():
                    self._show(rates.Look(time=time.monotonic(), host=figures.host(run("xl", "info")), guests=tuple(guests),
                                          numbers=numbers, exits=exits(),
                                          virtual_cpus=tuple(figures.virtual_cpus(run("xl", "vcpu-list")))))
            except Exception as trouble:  # whatever it is, the user must know that the figures are old
                if not self._is_over:
                    self._complain(str(trouble) or type(trouble).__name__)
            if self._xentop:
                self._xentop.kill()
            time.sleep(self._interval)

    def _tables(self):
        """Rows, and domains' numbers. A table ends when there are as many rows as xl knows domains, or with the heading of
        the next one."""
        self._xentop = None
        try:
            self._xentop = subprocess.Popen(("xentop", "-b", "-f", "-d", str(self._interval)), stdout=subprocess.PIPE,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, errors="replace")
        except OSError as error:
            raise Trouble(f"xentop: {error.strerror}") from error
        table, numbers, other = [], None, ""
        for line in self._xentop.stdout:
            guest = figures.guest_of_row(line)
            if figures.is_heading(line):
                if numbers is not None and table:
                    yield table, numbers
                table, numbers = [], figures.numbers(run("xl", "list"))
            elif guest:
                table.append(guest)
            else:
                other = line.strip() or other
            if numbers is not None and len(table) >= len(numbers):
                yield table, numbers
                table, numbers = [], None
        raise Trouble(other or "xentop has ended")
