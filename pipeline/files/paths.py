"""Paths that users give: whether a file or folder exists. A path that the system cannot look up counts as absent.

`Path.exists` and its like raise where a name is too long or a folder may not be entered; whoever opens the file then
says why it cannot be read.
"""

from __future__ import annotations

from pathlib import Path

from ressenti.pipeline.errors import NotFoundError


def is_there(path: Path) -> bool:
    """Whether there is anything of that name."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def is_file(path: Path) -> bool:
    """Whether there is a file of that name, and no folder, pipe or device."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether there is a folder of that name."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def expanded(name: str) -> Path:
    """A name with `~` as the folder of the user; as it is where there is no such user, as in a shell."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def existing(path: Path, expected: str) -> None:
    """Raise `NotFoundError` where there is neither a file nor a folder of that name; `expected` says what should be."""
    if not is_there(path):
        raise NotFoundError(f"{path}: no such file or folder; expected {expected}. Check the name.")
