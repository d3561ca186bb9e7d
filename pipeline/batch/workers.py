"""Worker processes: one task at a time each; a process that dies costs its task alone.

`concurrent.futures` runs one process for each worker. In a pool of several, the death of one would break all.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait as wait_for
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")
Given = TypeVar("Given")
Made = TypeVar("Made", covariant=True)  # noqa: PLC0105
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Died:
    """A worker's process ended within a task; `how` says in words how.

    `machine_lost` says that it ended with its machine, so that the task is not to blame.
    """

    how: str
    machine_lost: bool = False


class Workers(Protocol[Given, Made]):
    """What a batch asks of its workers, wherever they are."""

    @property
    def has_free(self) -> bool:
        """Whether a worker waits for a task."""

    @property
    def busy(self) -> int:
        """How many tasks are being worked on."""

    def submit(self, task: Given) -> None:
        """Give a task to a worker that is free."""

    def next(self, timeout_s: float | None = None) -> Iterator[tuple[Given, Made | Died]]:
        """Results of tasks that are done."""

    def close(self) -> None:
        """End all workers once they have done their tasks."""

    def kill(self) -> None:
        """End all workers at once; their tasks are lost."""


class _Own:
    """What this process keeps for all its tasks."""

    work: Callable[[Any], Any] | None = None


def _begin() -> None:
    """Prepare a new process: one thread for each library, Ctrl-C is the parent's, and it ends with its parent."""
    for name in ONE_THREAD:
        os.environ[name] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _do(make: Callable[[], Callable[[T], R]], task: T) -> R:
    if _Own.work is None:
        _Own.work = make()
    done: R = _Own.work(task)
    return done


@dataclass
class _Worker(Generic[T, R]):
    """One process; it starts with its first task, and another takes its place after its death."""

    executor: ProcessPoolExecutor
    process: BaseProcess | None = None

    def submit(self, make: Callable[[], Callable[[T], R]], task: T) -> Future[R]:
        before = set(active_children())
        begun = self.executor.submit(_do, make, task)
        self.process = next(iter(set(active_children()) - before), self.process)
        return begun

    def how_it_ended(self) -> str:
        if self.process is None:
            return "it ended"
        until = time.monotonic() + 5
        # the executor's own thread may have asked the system first, and notes the code a moment later
        while (code := self.process.exitcode) is None and time.monotonic() < until:
            self.process.join(0.05)
            time.sleep(0.01)
        if code is None:
            return "it ended"
        if code < 0:
            with suppress(ValueError):
                return f"killed by {signal.Signals(-code).name}"
            return f"killed by signal {-code}"
        return f"exit code {code}"


@dataclass
class Pool(Generic[T, R]):
    """`count` processes (spawned), each of which calls `make` once and then its result for each task.

    `make` and tasks have to be picklable. What a task raises is raised by `next`, so work should return its errors.
    """

    count: int
    make: Callable[[], Callable[[T], R]]
    _free: list[_Worker[T, R]] = field(default_factory=list)
    _busy: dict[Future[R], tuple[_Worker[T, R], T]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._free = [self._worker() for _ in range(self.count)]

    def _worker(self) -> _Worker[T, R]:
        return _Worker(ProcessPoolExecutor(1, get_context("spawn"), _begin))

    @property
    def has_free(self) -> bool:
        """Whether a process waits for a task."""
        return bool(self._free)

    @property
    def busy(self) -> int:
        """How many tasks are being worked on."""
        return len(self._busy)

    def submit(self, task: T) -> None:
        """Give a task to a process that is free."""
        worker = self._free.pop()
        try:
            begun = worker.submit(self.make, task)
        except BrokenProcessPool:  # it died while it waited
            worker = self._worker()
            begun = worker.submit(self.make, task)
        self._busy[begun] = worker, task

    def next(self, timeout_s: float | None = None) -> Iterator[tuple[T, R | Died]]:
        """Results of tasks that are done, at least one unless `timeout_s` passes; in the order of submission."""
        ready, _ = wait(self._busy, timeout_s, FIRST_COMPLETED)
        for begun in [one for one in self._busy if one in ready]:
            worker, task = self._busy.pop(begun)
            try:
                result: R | Died = begun.result()
            except BrokenProcessPool:
                result = Died(worker.how_it_ended())
                worker.executor.shutdown(wait=False)
                worker = self._worker()
            self._free.append(worker)
            yield task, result

    def close(self) -> None:
        """End all processes once they have done their tasks."""
        for worker in self._all():
            worker.executor.shutdown(wait=True)

    def kill(self) -> None:
        """End all processes at once; their tasks are lost."""
        for worker in self._all():
            if worker.process is not None:
                worker.process.kill()
        for worker in self._all():
            worker.executor.shutdown(wait=True, cancel_futures=True)
        self._busy.clear()

    def _all(self) -> list[_Worker[T, R]]:
        return [*self._free, *(worker for worker, _ in self._busy.values())]
