"""How much memory this machine has, to choose a model that it can run."""

from __future__ import annotations

import os
from contextlib import suppress
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
