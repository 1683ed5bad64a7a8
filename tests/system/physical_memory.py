# SPDX-License-Identifier: MIT
"""Writes into the emulated machine's memory by physical address, through QEMU's debugger stub."""
import re
import socket
import subprocess
from pathlib import Path

from machine import BUILD

VIRTUAL_OFFSET = 0xffffffff80000000  # linker.ld: where physical address 0 is seen


class PhysicalMemory:
    def __init__(self, folder):
        self._path = Path(folder) / "debugger"
        self.options = ("-chardev", f"socket,id=debugger,path={self._path},server=on,wait=off", "-gdb", "chardev:debugger")

    @staticmethod
    def address_of(name):
        """The physical address of one of the hypervisor's variables."""
        symbols = subprocess.run(["llvm-nm-19", "-C", BUILD / "hospes.elf.sym"], check=True, capture_output=True, text=True).stdout
        # Link-time optimisation marks what it made visible to other files.
        found = re.search(rf"(?m)^([0-9a-f]{{16}}) \w .*::{name}( \(\.llvm\.\d+\))?$", symbols)
        return int(found[1], 16) - VIRTUAL_OFFSET

    def write(self, address, data):
        """Stops the machine for a moment. (GDB manual, "Remote Protocol"; QEMU manual, "GDB usage")"""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._path))
            for packet in ("Qqemu.PhyMemMode:1", f"M{address:x},{len(data):x}:{data.hex()}"):
                self._send(connection, packet)
                self._await(connection, b"$OK#")
            self._send(connection, "D")  # detach: the machine runs on
            self._await(connection, b"$OK#")

    @staticmethod
    def _await(connection, wanted):
        """Between, the stub tells that the machine has stopped."""
        seen = b""
        while wanted not in seen:
            piece = connection.recv(4096)
            assert piece, seen
            seen += piece
        connection.sendall(b"+")

    @staticmethod
    def _send(connection, packet):
        connection.sendall(f"${packet}#{sum(packet.encode()) % 256:02x}".encode())
