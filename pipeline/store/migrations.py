"""Stored conversations of earlier versions -> the present one, a step for each version (pure).

| version | what it brought |
|---|---|
| 1 | the first |
| 2 | `words_beyond`; more that a note can say |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Stored = dict[str, Any]


def _to_2(data: Stored) -> Stored:
    """Nobody counted the words beyond the end before."""
    return {**data, "words_beyond": 0, "version": 2}


STEPS: dict[int, Callable[[Stored], Stored]] = {1: _to_2}
"""From each earlier version to the next."""


def migrated(data: Stored) -> Stored:
    """A stored conversation of an earlier version as the present version would hold it."""
    while (step := STEPS.get(data["version"])) is not None:
        data = step(data)
    return data
