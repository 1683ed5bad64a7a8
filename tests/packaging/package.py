# SPDX-License-Identifier: MIT
"""Where `make deb` left the packages."""
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BUILD", ROOT / "build")).resolve()
PACKAGES = [BUILD / f"packages/{name}.deb" for name in ("hospes", "hospes-image", "hospes-image-dbg", "hospes-top")]
sys.path.append(str(ROOT / "tests/tools"))
