"""Whether a name that anybody may have typed is that of a file or a folder: no where the system cannot look.

`Path.exists` and its like raise where a name is too long or a folder may not be entered; whoever opens the file then
says why it cannot be read.
"""

from __future__ import annotations

from pathlib import Path


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
