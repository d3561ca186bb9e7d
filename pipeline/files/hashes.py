"""Hashes of files: SHA-256 as printed by `sha256sum`, of one file or of several together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

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
