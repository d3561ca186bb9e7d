"""Several batches at a time, on as many cores as are wanted; what is computed does not depend on how many."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_WANTED: ContextVar[int | None] = ContextVar("threads", default=None)
_MOST = 8
_AHEAD = 2  # batches per thread that are begun before their turn comes


@contextmanager
def computing(threads: int | None) -> Iterator[None]:
    """Within this, `threads()` is as given (None: the cores there are), and products of numpy use one core each.

    The libraries behind numpy share a product among as many threads as they like, and its last digits depend on it.
    """
    from threadpoolctl import threadpool_limits

    before = _WANTED.set(threads)
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        _WANTED.reset(before)


def threads() -> int:
    """How many threads may compute: as many as are wanted here, else as there are cores for this process.

    Without a wish they are at most eight, for the memory that each batch takes, and at most OMP_NUM_THREADS.
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


def each(work: Callable[[_Item], _Result], items: Sequence[_Item]) -> Iterator[_Result]:
    """The result of each item, in order, several at a time; what one raises ends it, as does an end of the loop.

    `work` runs in threads: it may only read what others see. Few results are held at a time.
    """
    count = min(threads(), len(items))
    if count < 2:
        yield from map(work, items)
        return
    pool = ThreadPoolExecutor(count, thread_name_prefix="ressenti")
    begun: deque[Future[_Result]] = deque()
    try:
        for item in items:
            begun.append(pool.submit(work, item))
            if len(begun) == count * _AHEAD:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
