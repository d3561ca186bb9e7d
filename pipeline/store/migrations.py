"""Migrate stored conversations of earlier versions, one step per version (pure).

| version | change |
|---|---|
| 1 | the first |
| 2 | `words_beyond`; more kinds of notes |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Stored = dict[str, Any]


def _to_2(data: Stored) -> Stored:
    """Add `words_beyond`, which was not counted before."""
    return {**data, "words_beyond": 0, "version": 2}


STEPS: dict[int, Callable[[Stored], Stored]] = {1: _to_2}
"""Step from each earlier version to the next."""


def migrated(data: Stored) -> Stored:
    """Migrate a stored conversation of an earlier version to this version."""
    while (step := STEPS.get(data["version"])) is not None:
        data = step(data)
    return data
