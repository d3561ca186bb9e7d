"""What is given as a recording: whether it is a file that can be read, and its hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pipeline import errors


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checked_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a recording's bytes; raises the `InputError` that fits where it cannot be read."""
    check_file(path)
    return file_sha256(path)


def check_file(path: Path) -> None:
    """Raise the `InputError` that fits where this is no file that can be read."""
    try:
        if path.is_dir():
            raise errors.IsFolderError(
                f"{path}: a folder; expected a recording. Name the files in it, for example {path}/*.wav."
            )
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except FileNotFoundError as exc:
        raise errors.NotFoundError(f"{path}: no such file; expected a recording. Check the name and folder.") from exc
    except PermissionError as exc:
        raise errors.UnreadableError(
            f"{path}: not readable by this user. Ask for read permission, or copy it."
        ) from exc
    except OSError as exc:
        raise errors.UnreadableError(f"{path}: cannot be read ({exc.strerror}). Check the disk or the share.") from exc
    if size == 0:
        raise errors.EmptyFileError(f"{path.name}: an empty file (0 bytes); expected a recording. Copy it again.")
