"""Addresses of recordings that are given as URLs: `file:` is a path, and all others are refused."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.paths import is_there
from ressenti.pipeline.files.untrusted import short
from ressenti.pipeline.text import visible

_URL = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)", re.IGNORECASE | re.DOTALL)  # `Path` makes one slash of several


def local_path(given: Path) -> Path:
    """A path as it is, or that of a `file:` URL; raises `ConfigError` for any other URL."""
    match = _URL.fullmatch(str(given))
    if match is None or is_there(given):
        return given
    scheme, rest = match.groups()
    if scheme.lower() == "file":
        return Path("/" + unquote(rest.removeprefix("localhost/")))
    raise ConfigError(
        f"{short(visible(str(given)))}: got an address of {scheme.lower()}; expected a path. Recordings and libraries "
        "lie in folders: copy them, or mount the storage as a folder on every machine."
    )
