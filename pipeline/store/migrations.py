"""Migrate stored conversations of earlier versions, one step per version (pure).

| version | change |
|---|---|
| 1 | the first |
| 2 | `words_beyond`; more kinds of notes |
| 3 | confidence of segments and of the speakers of turns; `count_probability` |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Stored = dict[str, Any]


def _to_2(data: Stored) -> Stored:
    """Add `words_beyond`, which was not counted before."""
    return {**data, "words_beyond": 0, "version": 2}


def _to_3(data: Stored) -> Stored:
    """Add nothing: no confidence of a segment, a speaker or a number was known before, and absent means unknown."""
    return {**data, "version": 3}


STEPS: dict[int, Callable[[Stored], Stored]] = {1: _to_2, 2: _to_3}
"""Step from each earlier version to the next."""


def migrated(data: Stored) -> Stored:
    """Migrate a stored conversation of an earlier version to this version."""
    while (step := STEPS.get(data["version"])) is not None:
        data = step(data)
    return data
