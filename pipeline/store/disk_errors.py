"""Turn disk errors into our errors, in plain words."""

from __future__ import annotations

import errno
import stat
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
    errno.ENOTDIR: "a file is in the place of a folder",
    errno.EEXIST: "a file is in the place of a folder",
    errno.EISDIR: "a folder with that name exists",
    errno.ENOENT: "the folder is gone",
    errno.EIO: "the disk reports a fault",
    errno.EMFILE: "too many files are open",
    errno.ENFILE: "too many files are open",
    errno.EINVAL: "the disk does not allow that name",
    errno.EILSEQ: "the disk does not allow that name",
    getattr(errno, "ESTALE", -1): "the network disk lost it",
}


def output_error(path: Path, exc: OSError) -> OutputError:
    """Make the error for a failed write to a path: `DiskFullError` if the disk is full, else `OutputError`."""
    if is_full(exc):
        return DiskFullError(
            f"{path}: the disk is full, or your quota is used up. Free some space, or choose another disk with --out; "
            "no partial files were left behind."
        )
    why = _WORDS.get(exc.errno or 0) or f"the system says: {exc.strerror or exc}"
    return OutputError(f"{path}: cannot be written ({why}). Check the folder, or choose one with --out.")


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Raise a disk's `OSError` as an `OutputError` for this path."""
    try:
        yield
    except OSError as exc:
        raise output_error(path, exc) from exc


def in_folder(folder: Path, act: Callable[[], _T]) -> _T:
    """Create a folder and act in it, even while another failed run is removing the folder."""
    for tries in range(1, _TRIES + 1):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return act()
        except FileNotFoundError:
            if tries == _TRIES:
                raise
        except FileExistsError:  # also if the folder was removed, and perhaps made again, during the check
            if tries == _TRIES or _is_no_folder(folder):
                raise
        time.sleep(0.001)
    raise AssertionError


def _is_no_folder(path: Path) -> bool:
    """Whether something else is in the place of a folder; asked of the system once, since others come and go."""
    try:
        return not stat.S_ISDIR(path.stat().st_mode)
    except OSError:
        return False
