"""Lock files for one run at a time; the system releases them when a run ends in any way."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TAKEN = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK}
_PAUSE_S = 0.01


@contextmanager
def held(path: Path, wait_s: float = 0.0) -> Iterator[bool]:
    """Hold a lock file and remove it afterwards; yields False if another run holds it for longer than `wait_s`.

    This is the kernel's lock (`flock`) on the file itself: it also works between containers that share a volume, and it
    ends with its owner. On disks without locks, and on Windows, it locks nobody out. Raises `OSError` if the file
    cannot be created.
    """
    until = time.monotonic() + wait_s
    handle = _take(path)
    while handle is None and time.monotonic() < until:
        time.sleep(_PAUSE_S)
        handle = _take(path)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            with suppress(OSError):
                path.unlink()  # before releasing the lock, so that a waiting run notices that this file is gone
            os.close(handle)


def _take(path: Path) -> int | None:
    """Open and lock the file; None if another run holds it."""
    flags = os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    try:
        handle = os.open(path, flags | os.O_RDWR, 0o666)
    except PermissionError:  # another user's file can still be locked
        handle = os.open(path, flags | os.O_RDONLY, 0o666)
    try:
        taken = _lock(handle) and _is_there(handle, path)
    except BaseException:
        os.close(handle)
        raise
    if taken:
        return handle
    os.close(handle)
    return None


def _lock(handle: int) -> bool:
    """Lock an open file; False if another run has locked it, True without a lock if the disk has no locks."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        return exc.errno not in _TAKEN
    return True


def _is_there(handle: int, path: Path) -> bool:
    """Whether an open file is still the one with this name, not one its last owner just removed."""
    try:
        return sys.platform == "win32" or os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False
