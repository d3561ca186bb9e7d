"""Compute several batches in parallel; results do not depend on the number of cores."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from threading import Event, Lock
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_WANTED: ContextVar[int | None] = ContextVar("threads", default=None)
_MOST = 8
_AHEAD = 2  # batches started per thread
_OFTEN_S = 0.25  # between two calls of `waiting`


class _OneCoreEach:
    """Limits numpy's libraries to one core while any thread is inside.

    The limit is for the whole process: the first thread sets it, and the last one restores the previous value.
    """

    def __init__(self) -> None:
        self._alone, self._inside = Lock(), 0
        self._limits = ExitStack()

    def __enter__(self) -> None:
        from threadpoolctl import threadpool_limits

        with self._alone:
            if self._inside == 0:
                self._limits.enter_context(threadpool_limits(1, user_api="blas"))
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._alone:
            self._inside -= 1
            if self._inside == 0:
                self._limits.close()


_ONE_CORE = _OneCoreEach()


@contextmanager
def computing(threads: int | None) -> Iterator[None]:
    """Set the number of threads (None: by available cores), and limit numpy's products to one core each.

    numpy's libraries otherwise choose the threads of a product themselves, and its last digits depend on them.
    """
    before = _WANTED.set(threads)
    try:
        with _ONE_CORE:
            yield
    finally:
        _WANTED.reset(before)


@contextmanager
def one_core_each() -> Iterator[None]:
    """Limit torch to one core per thread, as the last digits of a product depend on the number of cores.

    Several batches in parallel use the other cores.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def threads() -> int:
    """Number of threads to use: the configured number, else the cores available to this process.

    The default is at most eight, as each batch takes memory, and at most OMP_NUM_THREADS.
    """
    wanted = _WANTED.get()
    if wanted is not None:
        return wanted
    try:
        cores = min(_MOST, len(os.sched_getaffinity(0)))
    except AttributeError:  # not on macOS and Windows
        cores = min(_MOST, os.cpu_count() or 1)
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(asked)) if asked.isdecimal() and int(asked) else cores


def each(
    work: Callable[[_Item], _Result],
    items: Sequence[_Item],
    waiting: Callable[[], None] | None = None,
    stopping: Event | None = None,
) -> Iterator[_Result]:
    """Yield the result of each item, in order, computing several at a time; stops at the first error.

    `work` runs in threads, so it must not change shared data. Only a few results are in memory at a time. Where an item
    takes long, `waiting` is called in the calling thread a few times a second, and an exception from it stops the work;
    `stopping` is then set, so that `work` can look at it and give up.
    """
    count = min(threads(), len(items))
    if count < 2 and waiting is None:
        yield from map(work, items)
        return
    pool = ThreadPoolExecutor(max(1, count), thread_name_prefix="ressenti")
    begun: deque[Future[_Result]] = deque()
    try:
        for item in items:
            begun.append(pool.submit(work, item))
            if len(begun) == count * _AHEAD:
                yield _result(begun.popleft(), waiting)
        while begun:
            yield _result(begun.popleft(), waiting)
    except BaseException:
        if stopping is not None:
            stopping.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _result(begun: Future[_Result], waiting: Callable[[], None] | None) -> _Result:
    """The result of an item, with calls of `waiting` until it is there."""
    while waiting is not None and not begun.done():
        wait([begun], timeout=_OFTEN_S)
        waiting()
    return begun.result()
