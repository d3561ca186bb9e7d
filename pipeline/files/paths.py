"""Paths given by the user: whether they exist (one that cannot be looked up does not), and where their data lie.

`Path.exists` and similar methods raise if a name is too long or a folder may not be entered. Opening the file later
gives the exact reason.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ressenti.pipeline.errors import NotFoundError


def is_there(path: Path) -> bool:
    """Whether the path exists."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def is_file(path: Path) -> bool:
    """Whether the path is a regular file."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether the path is a folder."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def expanded(name: str) -> Path:
    """Expand `~` to the user's folder; as in a shell, an unknown user stays unexpanded."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def data_folder() -> Path:
    """The folder of the system's usual place for a user's data that belongs to Ressenti."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "ressenti"


def existing(path: Path, expected: str) -> None:
    """Raise `NotFoundError` if the path does not exist; `expected` describes what should be there."""
    if not is_there(path):
        raise NotFoundError(f"{path}: no such file or folder; expected {expected}. Check the name.")
