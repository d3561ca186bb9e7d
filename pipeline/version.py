"""Version of the installed product."""

from __future__ import annotations

from importlib import metadata

try:
    VERSION = metadata.version("ressenti")
except metadata.PackageNotFoundError:  # a source tree that was never installed
    VERSION = "unknown"
PROGRAM = f"ressenti {VERSION}"
