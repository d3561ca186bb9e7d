"""SHA-256 of files: of one, as printed by `sha256sum`, of several together, and of the built-in weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from ressenti.pipeline.errors import ModelError

WEIGHTS = Path(__file__).resolve().parent
"""Where the weights lie that come with Ressenti."""

_CHUNK = 1 << 24  # bytes


def digest_of(
    path: Path, kind: str = "sha256", start: bytes = b"", count: Callable[[int], None] = lambda _: None
) -> str:
    """Hexadecimal digest of `start` and a file's bytes; `count` is called with the number of bytes read so far."""
    state = hashlib.new(kind, start, usedforsecurity=kind == "sha256")
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            state.update(chunk)
            done += len(chunk)
            count(done)
    return state.hexdigest()


def together(hashes: Mapping[str, str]) -> str:
    """One hash for files by name: that of the only file, else of the lines of `sha256sum`, sorted by name."""
    if len(hashes) == 1:
        return next(iter(hashes.values()))
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def built_in(notes: str, what: str) -> dict[str, str]:
    """SHA-256 by name of the built-in weights that the JSON file `notes` lists, checked against what it says.

    Raises `ModelError`, which calls them `what`, where one is missing or differs.
    """
    try:
        expected: dict[str, str] = json.loads((WEIGHTS / notes).read_text(encoding="utf-8"))["sha256"]
        found = {name: digest_of(WEIGHTS / name) for name in expected}
    except OSError as exc:
        raise ModelError(f"{what} is missing ({exc}). Install Ressenti again.") from exc
    for name, digest in found.items():
        if digest != expected[name]:
            raise ModelError(f"{name}: SHA-256 {digest[:12]}, expected {expected[name][:12]}. Install Ressenti again.")
    return found
