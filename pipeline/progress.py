"""Progress hook, time limit and step times of an analysis."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar

from ressenti.pipeline.errors import TimedOutError

Progress = Callable[[str, float, float | None], None]
"""Progress hook: stage, completed amount, total amount (None if unknown)."""

T = TypeVar("T")
log = logging.getLogger(__name__)


def ignore_progress(stage: str, completed: float, total: float | None) -> None:
    """A progress hook that does nothing."""


class _StoppedError(BaseException):
    """Carries a hook's exception past handlers that would take it for a fault of a file or a model."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class Watch:
    """Wraps a progress hook: an exception from it stops the work unchanged, and so does the time limit."""

    def __init__(self, progress: Progress, limit_s: float | None, name: str) -> None:
        self._progress, self._limit_s, self._name = progress, limit_s, name
        self._began = monotonic()

    def __call__(self, stage: str, completed: float, total: float | None) -> None:
        """Report progress to the hook; stops the work if the time is up or the hook raises."""
        spent_s = monotonic() - self._began
        if self._limit_s is not None and spent_s > self._limit_s:
            raise _StoppedError(
                TimedOutError(
                    f"{self._name}: not finished after {spent_s:.0f} s, at stage {stage!r}; the limit is "
                    f"{self._limit_s:g} s. Raise --timeout (compute.timeout_s), or split the recording."
                )
            )
        try:
            self._progress(stage, completed, total)
        except Exception as exc:
            raise _StoppedError(exc) from exc

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Log how long a step took."""
        began = monotonic()
        yield
        log.info("%s took %.2f s", name, monotonic() - began)


def watched(
    work: Callable[[Watch], T], progress: Progress = ignore_progress, limit_s: float | None = None, name: str = ""
) -> T:
    """Run `work` with a hook that it should call often, and return its result; `name` appears in messages.

    An exception from `progress` is raised unchanged, past all handlers in between. Raises `TimedOutError` at the first
    call of the hook after `limit_s` seconds.
    """
    try:
        return work(Watch(progress, limit_s, name))
    except _StoppedError as stopped:
        error = stopped.error
    raise error
