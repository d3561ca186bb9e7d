"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pipeline.disk import is_full
from pipeline.errors import DiskFullError, OutputError


def write_whole(files: Mapping[Path, str | bytes]) -> None:
    """Write all files or none: each aside first, then all renamed into place, and back where that fails.

    Raises `OutputError` where that is not possible. What was written aside is removed, and what stood there before is
    put back, also on Ctrl-C; only the power failing between two renames can leave old and new side by side.
    """
    aside = {path: path.with_name(f".{os.getpid()}.{i}.partial") for i, path in enumerate(files)}
    before = {path: path.with_name(f".{os.getpid()}.{i}.before") for i, path in enumerate(files)}
    made = [folder for path in files for folder in reversed(path.parents) if not folder.exists()]
    target = Path()
    placed: list[Path] = []
    try:
        for path, content in files.items():
            target = path
            path.parent.mkdir(parents=True, exist_ok=True)
            data = content.encode("utf-8") if isinstance(content, str) else content
            with aside[path].open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for path in files:
            target = path
            if path.is_dir():
                raise IsADirectoryError(21, "a folder of that name is there", str(path))
            if path.exists():
                path.replace(before[path])
            aside[path].replace(path)
            placed.append(path)
    except BaseException as exc:
        _put_back(aside, before, placed)
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()
        if isinstance(exc, OSError):
            if is_full(exc):
                raise DiskFullError(
                    f"{target}: no room left to write it ({exc.strerror}). Free some, or choose another with --out."
                ) from exc
            raise OutputError(
                f"{target}: cannot be written ({exc.strerror}). Check the folder, or choose one with --out."
            ) from exc
        raise
    for path in before.values():
        with suppress(OSError):
            path.unlink()


def _put_back(aside: Mapping[Path, Path], before: Mapping[Path, Path], placed: Sequence[Path]) -> None:
    """Undo the renames that were done, and remove what was written aside."""
    for path, partial in aside.items():
        with suppress(OSError):
            if before[path].exists():
                before[path].replace(path)
            elif path in placed:
                path.unlink()
        with suppress(OSError):
            partial.unlink()
