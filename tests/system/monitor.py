# SPDX-License-Identifier: MIT
"""QEMU's monitor, for what only somebody at the machine itself can do: plug things in, pull them out."""
import socket

PROMPT = b"(qemu) "


class Monitor:
    """`options` make the emulator offer the monitor; call it with a command once the machine runs."""

    def __init__(self, folder):
        self._path = folder / "monitor"
        self.options = ("-chardev", f"socket,id=monitor,path={self._path},server=on,wait=off",
                        "-mon", "chardev=monitor,mode=readline")

    def __call__(self, command):
        """Gives a command that says nothing if it succeeds."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(60)
            line.connect(str(self._path))
            self._answer(line)
            line.sendall(command.encode() + b"\n")
            said = self._answer(line).rpartition(b"\n")[0].rpartition(b"\x1b[K")[2].decode(errors="replace").strip()
        assert not said or said == command, f"{command}: {said}"

    @staticmethod
    def _answer(line):
        text = b""
        while not text.endswith(PROMPT):
            piece = line.recv(4096)
            assert piece, f"the monitor ended: {text}"
            text += piece
        return text[:-len(PROMPT)]
