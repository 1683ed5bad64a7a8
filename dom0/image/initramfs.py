# SPDX-License-Identifier: MIT
"""Writes initial RAM disks: the "newc" cpio format of Linux's Documentation/driver-api/early-userspace/buffer-format.rst.

Needs no root and no device nodes on the build machine, and the same input gives the same bytes.
"""
import os
import stat
from pathlib import Path


class Initramfs:
    """A tree of files in memory, written in order of path; parent directories appear by themselves."""

    def __init__(self):
        self._entries = {}  # path without leading slash -> (mode, device, content or source path)
        self.directory("dev")
        self._put("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))

    def directory(self, path, mode=0o755):
        self._put(path, stat.S_IFDIR | mode)

    def symlink(self, path, target):
        self._put(path, stat.S_IFLNK | 0o777, content=target.encode())

    def text(self, path, content, mode=0o644):
        self.data(path, content.encode(), mode)

    def data(self, path, content, mode=0o644):
        self._put(path, stat.S_IFREG | mode, content=content)

    def file(self, path, source, mode=None):
        source = Path(source)
        self._put(path, stat.S_IFREG | (mode or stat.S_IMODE(source.stat().st_mode)), content=source)

    def add(self, path, source):
        """One file, symbolic link or whole directory of the build machine."""
        source = Path(source)
        if source.is_symlink():
            self.symlink(path, os.readlink(source))
        elif source.is_dir():
            self.directory(path)
            for child in sorted(source.iterdir()):
                self.add(f"{path}/{child.name}", child)
        else:
            self.file(path, source)

    def __contains__(self, path):
        return path.strip("/") in self._entries

    def write(self, target):
        with open(target, "wb") as out:
            for number, path in enumerate(sorted(self._entries), start=1):
                mode, device, content = self._entries[path]
                data = content.read_bytes() if isinstance(content, Path) else content
                _write_record(out, number, path, mode, device, data)
            _write_record(out, 0, "TRAILER!!!", 0, (0, 0), b"")

    def _put(self, path, mode, device=(0, 0), content=b""):
        path = path.strip("/")
        parent = os.path.dirname(path)
        if parent and parent not in self._entries:
            self.directory(parent)
        self._entries[path] = (mode, device, content)


def _write_record(out, number, path, mode, device, data):
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    # inode, mode, uid, gid, links, time, size, device major and minor, special major and minor, name size, checksum
    fields = (number, mode, 0, 0, links, 0, len(data), 0, 0, *device, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields)
    out.write(header + name + _padding(len(header) + len(name)))
    out.write(data + _padding(len(data)))


def _padding(length):
    return b"\0" * (-length % 4)
