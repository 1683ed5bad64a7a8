# SPDX-License-Identifier: MIT
"""Build steps with a cache: a step runs only when the hash of what it reads is new, and says what it does meanwhile."""
import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path


class Stage:
    """A named directory below the cache that one function fills; kept under the hash of the function's inputs."""

    def __init__(self, cache, name, inputs):
        digest = hashlib.sha256()
        for item in inputs:
            digest.update(item.read_bytes() if isinstance(item, Path) else str(item).encode())
            digest.update(b"\0")
        self.key = digest.hexdigest()[:16]
        self.name = name
        self._cache = cache
        self.path = cache / f"{name}-{self.key}"

    def run(self, build):
        if self.path.exists():
            say(f"{self.name}: up to date")
            return self
        work = self._cache / f"{self.name}.part"
        remove_tree(work)
        work.mkdir(parents=True)
        say(f"{self.name}: building ...")
        start = time.monotonic()
        build(work)
        for old in self._cache.glob(f"{self.name}-*"):
            remove_tree(old)
        work.rename(self.path)
        say(f"{self.name}: done in {time.monotonic() - start:.0f} s")
        return self


def say(message):
    print(f"[dom0] {message}", file=sys.stderr, flush=True)


def run(*command, **options):
    """Runs a command; its output is shown, indented, as it comes."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace", **options)
    for line in process.stdout:
        say("    " + line.rstrip())
    if process.wait() != 0:
        raise SystemExit(f"build_image: failed with status {process.returncode}: {' '.join(map(str, command))}")


def remove_tree(path):
    if path.is_dir() and not path.is_symlink():
        subprocess.run(["chmod", "-R", "u+rwX", str(path)], check=False)
        shutil.rmtree(path)
    elif path.exists() or path.is_symlink():
        path.unlink()
