# SPDX-License-Identifier: MIT
"""What is on the emulated screen: QEMU's monitor takes a picture, the picture is read with the font that drew it."""
import re
import socket
import time
from pathlib import Path

from machine import BUILD

VIDEO_BIOS = "/usr/share/seabios/vgabios-stdvga.bin"
HEIGHT = 16
LIT = 0x50  # brighter than this


class Monitor:
    """QEMU's monitor, on a socket: add `options` to the emulator's command line."""

    def __init__(self, folder):
        self._path = Path(folder) / "monitor"
        self._picture = Path(folder) / "screen.ppm"
        self.options = ("-chardev", f"socket,id=monitor,path={self._path},server=on,wait=off", "-mon", "chardev=monitor")
        self._connection = None

    def command(self, text):
        if self._connection is None:
            self._connection = socket.socket(socket.AF_UNIX)
            self._connection.connect(str(self._path))
            self._read()
        self._connection.sendall(text.encode() + b"\n")
        return self._read()

    def screen(self):
        """The lines on the screen now."""
        self._picture.unlink(missing_ok=True)
        self.command(f"screendump {self._picture}")
        return read_text(Picture(self._picture.read_bytes()))

    def wait_for(self, text, polls=120):
        """Looks at the screen until a text is on it. The number of polls is a hang guard, not an expectation."""
        for _ in range(polls):
            lines = self.screen()
            if any(text in line for line in lines):
                return lines
            time.sleep(1)
        raise AssertionError(f"{text!r} is not on the screen:\n" + "\n".join(lines))

    def _read(self):
        answer = b""
        while not answer.endswith(b"(qemu) "):
            piece = self._connection.recv(65536)
            assert piece, "the emulator ended"
            answer += piece
        return answer.decode(errors="replace")


class Picture:
    """A binary PPM file: which pixels are lit."""

    def __init__(self, data):
        header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
        self.width, self.height = int(header[1]), int(header[2])
        self._pixels = data[header.end():]

    def byte(self, x, y):
        """Eight pixels to the right of a place, the left one in the high bit."""
        value = 0
        for i in range(8):
            at = (y * self.width + x + i) * 3
            value = value << 1 | (max(self._pixels[at:at + 3]) > LIT)
        return value


def read_text(picture):
    """Characters on the grid; what is none of the font's is shown as a question mark."""
    text_mode = picture.height == 400  # 720 x 400, cells 9 wide: the PC's text mode
    width, glyphs = (9, rom_font()) if text_mode else (8, own_font())
    if text_mode and picture.width == 640:
        width = 8
    return ["".join(glyphs.get(bytes(picture.byte(column * width, row * HEIGHT + y) for y in range(HEIGHT)), "?")
                    for column in range(picture.width // width)).rstrip()
            for row in range(picture.height // HEIGHT)]


def own_font():
    """The font of our framebuffer console, as it was made for the build."""
    lines = (BUILD / "generated/font_glyphs.inc").read_text().splitlines()
    return {bytes(int(value) for value in line.rstrip(",").split(",")): chr(32 + index) for index, line in enumerate(lines)}


def rom_font():
    """The font the emulated graphics card's own BIOS brings."""
    rom = Path(VIDEO_BIOS).read_bytes()
    smile = bytes((0, 0, 0x7e, 0x81, 0xa5, 0x81, 0x81))  # the second character, after an empty first
    start = rom.index(bytes(HEIGHT) + smile)
    return {rom[start + code * HEIGHT:start + (code + 1) * HEIGHT]: chr(code) for code in range(126, 31, -1)}
