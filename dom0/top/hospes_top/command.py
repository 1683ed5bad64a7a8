# SPDX-License-Identifier: MIT
"""The command line."""
import argparse
import fcntl
import struct
import sys
import termios

from hospes_top.screen import Screen

USUAL_ROWS, USUAL_COLUMNS = 24, 80


def give_size(terminal):
    """The terminal at the other end of a serial line is of no size that this end knows."""
    size = fcntl.ioctl(terminal, termios.TIOCGWINSZ, b"\0" * 8)
    rows, columns, *pixels = struct.unpack("4H", size)
    if rows == 0 or columns == 0:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", USUAL_ROWS, USUAL_COLUMNS, *pixels))


def seconds(text):
    number = int(text)
    if not 1 <= number <= 3600:
        raise argparse.ArgumentTypeError("between 1 and 3600 seconds")
    return number


def main():
    parser = argparse.ArgumentParser(prog="hospes-top", description="Shows what the guests of this machine do.")
    parser.add_argument("-d", "--delay", type=seconds, default=2, metavar="SECONDS", help="between two looks (2)")
    arguments = parser.parse_args()
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        parser.error("wants a terminal; `xentop -b` writes tables for programs")
    give_size(sys.stdout)
    return Screen(arguments.delay).run()
