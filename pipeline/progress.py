"""The progress hook of an analysis, its time limit, and how long its steps took."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar

from ressenti.pipeline.errors import TimedOutError

Progress = Callable[[str, float, float | None], None]
"""Progress hook: stage, how much is completed, out of how much (None while that is not known)."""

T = TypeVar("T")
log = logging.getLogger(__name__)


def ignore_progress(stage: str, completed: float, total: float | None) -> None:
    """A progress hook that does nothing."""


class _StoppedError(BaseException):
    """Carries what a hook raised past all that would take it for a fault of a file or a model."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class Watch:
    """A progress hook around another: what it raises stops the work as it is, and so does the end of the time."""

    def __init__(self, progress: Progress, limit_s: float | None, name: str) -> None:
        self._progress, self._limit_s, self._name = progress, limit_s, name
        self._began = monotonic()

    def __call__(self, stage: str, completed: float, total: float | None) -> None:
        """Hand on how far a stage is; the work ends here where its time is up, or where the hook raises."""
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
    """What `work` returns, given a hook to call as often as it can; `name` is what it works on.

    Whatever `progress` raises comes out unchanged, whoever would have caught it on the way. Raises `TimedOutError` at
    the first call of the hook after `limit_s` seconds.
    """
    try:
        return work(Watch(progress, limit_s, name))
    except _StoppedError as stopped:
        error = stopped.error
    raise error
