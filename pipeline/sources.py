"""Whether what the user names is there at all, before anything is looked for in it."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import NotFoundError
from pipeline.there import is_there


def existing(path: Path, expected: str) -> None:
    """Raise `NotFoundError` where there is neither a file nor a folder of that name; `expected` says what should be."""
    if not is_there(path):
        raise NotFoundError(f"{path}: no such file or folder; expected {expected}. Check the name.")
