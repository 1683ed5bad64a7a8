#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The size of the compressed image, with and without the decompression libraries. Fails above the goal.

    tests/bench/image_size.py [build]
"""
import gzip
import pathlib
import re
import subprocess
import sys

GOAL = 200_000  # bytes, without the libraries
LIBRARY_PIECE = re.compile(r"\s*([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)\s+\d+\s+/usr/lib/\S+\.a\(", re.MULTILINE)
SECTION = re.compile(r"\] (\S+)\s+PROGBITS\s+([0-9a-f]+)\s+([0-9a-f]+)\s+([0-9a-f]+)")


def file_places(build):
    """(first address, place in the file, bytes) of each section of the image."""
    listing = subprocess.run(["readelf", "-SW", build / "hospes.elf"], capture_output=True, text=True, check=True).stdout
    return [tuple(int(number, 16) for number in section[1:]) for section in SECTION.findall(listing)]


def without_libraries(build):
    """The image's file with each piece that the linker took from an archive cut out."""
    places = file_places(build)
    pieces = []
    for address, size in LIBRARY_PIECE.findall((build / "hospes.map").read_text()):
        low = int(address, 16) & 0xffff_ffff  # the image is a 32-bit file
        pieces += [(place + low - first, int(size, 16)) for first, place, length in places if first <= low < first + length]
    image = bytearray((build / "hospes.elf").read_bytes())
    for place, size in sorted(pieces, reverse=True):
        del image[place:place + size]
    return bytes(image)


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build")
    whole = len(gzip.compress((build / "hospes.elf").read_bytes(), 9))
    own = len(gzip.compress(without_libraries(build), 9))
    print(f"image, compressed: {whole:,} bytes; without the decompression libraries {own:,} "
          f"({'<=' if own <= GOAL else 'MISSED'} {GOAL:,})")
    return 0 if own <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
