"""How many workers a machine holds, by its cores and its memory."""

from __future__ import annotations

import os

from ressenti.pipeline.models.memory import memory_mb

WORKER_MB = 1_500  # of one worker with the built-in models, with some room for long recordings
REST_MB = 1_000  # for everything else


def cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


def workers_that_fit() -> int:
    """One worker for each core, as far as the memory goes; at least one."""
    memory = memory_mb()
    fit = cores() if memory is None else int((memory - REST_MB) // WORKER_MB)
    return max(1, min(cores(), fit))
