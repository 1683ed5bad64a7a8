# SPDX-License-Identifier: MIT
"""The Debians that dom0 can be made of, and all in which they differ for this builder: one row each.

In the lists of packages and files `{xen}` stands for the release of the toolstack, and `{kernel}` behind a package for
where the kernel comes from. A name with `?` behind it is left out where the release has no such file or module.
"""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Release:
    debian: str  # the release that everything comes from, as its mirrors call it
    xen: str  # of xen-utils-4.17 and /usr/lib/xen-4.17
    kernels: str = ""  # the suite that the kernels come from instead
    further: tuple[str, ...] = ("-updates", "-security")  # suites beside the release, by the ends of their names

    def suites(self):
        """Of which suites apt is told, by their names on a mirror."""
        return (self.debian, *(self.debian + suffix for suffix in self.further))

    def words(self, path):
        """The words of a list file: one a line, `#` starts a comment."""
        lines = (raw.split("#")[0].strip() for raw in path.read_text().splitlines())
        return [line.format(xen=self.xen, kernel=self.kernels and "/" + self.kernels) for line in lines if line]


RELEASES = {
    "bookworm": Release("bookworm", "4.17"),
    "bookworm-backports": Release("bookworm", "4.17", kernels="bookworm-backports"),
    "trixie": Release("trixie", "4.20"),
    "trixie-backports": Release("trixie", "4.20", kernels="trixie-backports"),
    "sid": Release("sid", "4.20", further=()),
}
USUAL = "bookworm"


def release_of(images):
    """What the images in a folder were made of: build_image writes its name there."""
    return RELEASES[(images / "release").read_text().strip()]
