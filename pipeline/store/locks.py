"""Files that one run at a time may hold; the system lets go of them when a run ends, however it ends."""

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
    """Hold a lock file, removed afterwards; False where another holds it for longer than `wait_s`.

    The lock is the kernel's (`flock`): it is on the file itself, so that it also holds between containers that share a
    volume, and it goes with its owner. Where a disk has no locks, and on Windows, nobody is kept out. Raises `OSError`
    where the file cannot be made.
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
                path.unlink()  # before it is let go: whoever waits for this very file sees that it is gone
            os.close(handle)


def _take(path: Path) -> int | None:
    """An open and locked file, None where another holds it."""
    flags = os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    try:
        handle = os.open(path, flags | os.O_RDWR, 0o666)
    except PermissionError:  # another user's, which may be locked all the same
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
    """Lock an open file; False where another has. True without a lock where the disk knows none."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        return exc.errno not in _TAKEN
    return True


def _is_there(handle: int, path: Path) -> bool:
    """Whether an open file is the one of that name, and not one that its last owner has just removed."""
    try:
        return sys.platform == "win32" or os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False
