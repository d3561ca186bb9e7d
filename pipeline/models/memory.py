"""How much memory this machine has, and giving back what is free."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

_CONTAINER = Path("/sys/fs/cgroup/memory.max")  # a number of bytes, or "max"


def memory_mb() -> float | None:
    """Memory of the machine, or of its container if that has less (MB); None where the system does not say.

    All of it, not what is free at the moment: the same recording has to be heard by the same model each time.
    """
    try:
        found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows knows no sysconf
        return None
    with suppress(OSError, ValueError):
        found = min(found, int(_CONTAINER.read_text(encoding="ascii")))
    return found / 1e6


def give_back() -> None:
    """Give the memory that the C library keeps for later back to the system, where it can (glibc).

    Networks take memory in pieces of ever other sizes. Kept for later, these add up to hundreds of megabytes in a
    recording of hours.
    """
    if (trim := _trim()) is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """The C library's malloc_trim(3), None where it has none."""
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
