"""What a disk refuses, as errors of ours in plain words."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from ressenti.pipeline.errors import DiskFullError, OutputError
from ressenti.pipeline.files.disk import is_full

_T = TypeVar("_T")
_TRIES = 100
_WORDS = {
    errno.EACCES: "no permission to write there",
    errno.EPERM: "no permission to write there",
    errno.EROFS: "the disk is read-only",
    errno.ENAMETOOLONG: "the name is too long for this disk",
    errno.ENOTDIR: "a file stands where a folder is expected",
    errno.EEXIST: "a file stands where a folder is expected",
    errno.EISDIR: "a folder of that name is there",
    errno.ENOENT: "the folder is gone",
    errno.EIO: "the disk reports a fault",
    errno.EMFILE: "too many files are open",
    errno.ENFILE: "too many files are open",
    errno.EINVAL: "the disk does not take that name",
    errno.EILSEQ: "the disk does not take that name",
    getattr(errno, "ESTALE", -1): "the network disk lost it",
}


def output_error(path: Path, exc: OSError) -> OutputError:
    """The error that says why nothing could be written to a path: `DiskFullError` where there is no room."""
    if is_full(exc):
        return DiskFullError(
            f"{path}: no room left on the disk, or in your share of it. Free some, or choose another with --out; "
            "nothing of this was left behind."
        )
    why = _WORDS.get(exc.errno or 0) or f"the system refused: {exc.strerror or exc}"
    return OutputError(f"{path}: cannot be written ({why}). Check the folder, or choose one with --out.")


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Raise what a disk refuses as the `OutputError` that names this path."""
    try:
        yield
    except OSError as exc:
        raise output_error(path, exc) from exc


def in_folder(folder: Path, act: Callable[[], _T]) -> _T:
    """Act in a folder that is made for it, also where another run that failed is just removing it again."""
    for tries in range(1, _TRIES + 1):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return act()
        except FileNotFoundError:
            if tries == _TRIES:
                raise
        except FileExistsError:  # also where the folder went while it was looked at
            if tries == _TRIES or folder.exists():
                raise
        time.sleep(0.001)
    raise AssertionError
