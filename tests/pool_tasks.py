"""Work for the processes of a pool: light, so that they start quickly."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable


def make() -> Callable[[object], object]:
    """Work that does what the task says; it counts its tasks."""
    done: list[object] = []

    def work(task: object) -> object:
        done.append(task)
        if task == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if task == "exit":
            os._exit(3)
        if task == "sleep":
            time.sleep(60)
        return os.getpid(), len(done), os.environ["OMP_NUM_THREADS"]

    return work
