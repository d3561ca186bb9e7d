"""Time spans: unions, clipping, and fast search for those that overlap a stretch."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Generic, Protocol, TypeVar


def union_s(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Sort spans (seconds) and join those that touch or overlap."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def as_stored(start_s: float, end_s: float) -> tuple[float, float] | None:
    """A span with times as they are stored, to the microsecond; None for one that is too short for that."""
    start_s, end_s = round(start_s, 6), round(end_s, 6)
    return (start_s, end_s) if start_s < end_s else None


def without(spans: Sequence[tuple[float, float]], gone: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """What is left of sorted spans without others, sorted too; seconds."""
    out = []
    for start, end in spans:
        at = start
        for a, b in gone:
            if b <= at or a >= end:
                continue
            if a > at:
                out.append((at, a))
            at = max(at, b)
        if at < end:
            out.append((at, end))
    return out


class _Timed(Protocol):
    @property
    def start_s(self) -> float: ...

    @property
    def end_s(self) -> float: ...


T = TypeVar("T", bound=_Timed)


class Timed(Generic[T]):
    """An index of things with a start and an end, sorted by start, for many queries."""

    def __init__(self, things: Iterable[T]) -> None:
        self._things = sorted(things, key=lambda thing: thing.start_s)
        self._starts = [thing.start_s for thing in self._things]
        self._ends = list(accumulate((thing.end_s for thing in self._things), max))  # the latest so far

    def touching(self, start_s: float, end_s: float) -> list[T]:
        """Things that overlap a stretch, in order of their starts."""
        first, after = bisect_right(self._ends, start_s), bisect_left(self._starts, end_s)
        return [thing for thing in self._things[first:after] if thing.end_s > start_s]


def is_inside(time_s: float, spans: Sequence[tuple[float, float]]) -> bool:
    """Whether a time lies in one of some spans, sorted and disjoint as from `union_s`."""
    at = bisect_right(spans, (time_s, math.inf)) - 1
    return at >= 0 and time_s < spans[at][1]


def clipped(spans: list[tuple[float, float]], start_s: float, end_s: float) -> list[tuple[float, float]]:
    """Clip spans, sorted and disjoint as from `union_s`, to a stretch."""
    first = max(0, bisect_left(spans, (start_s,)) - 1)
    near = spans[first : bisect_left(spans, (end_s,))]
    return [(max(a, start_s), min(b, end_s)) for a, b in near if b > start_s]
