"""The one interface behind which emotion models live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, overload

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import EmotionScores, ModelInfo


@dataclass(frozen=True)
class Excerpt:
    """A stretch of one speaker's undisturbed speech without its pauses: int16 samples (n,) at 16 kHz."""

    samples: npt.NDArray[np.int16]
    speaker: str


class Excerpts(Sequence[Excerpt]):
    """Excerpts that are cut when they are asked for: those of a long conversation together would be a second copy."""

    def __init__(self, cuts: Sequence[Callable[[], Excerpt]]) -> None:
        self._cuts = cuts

    def __len__(self) -> int:
        return len(self._cuts)

    @overload
    def __getitem__(self, index: int) -> Excerpt: ...

    @overload
    def __getitem__(self, index: slice) -> Excerpts: ...

    def __getitem__(self, index: int | slice) -> Excerpt | Excerpts:
        return Excerpts(self._cuts[index]) if isinstance(index, slice) else self._cuts[index]()


class EmotionModel(Protocol):
    """Scores excerpts of a conversation; it sees all that may be judged at once, so that it can know its speakers."""

    @property
    def info(self) -> ModelInfo:
        """What the report says of it."""
        ...

    @property
    def parts(self) -> tuple[ModelInfo, ...]:
        """Models of others that it hears with, if any; the report names them beside it."""
        ...

    @property
    def learned(self) -> frozenset[tuple[str, str]]:
        """(corpus, speaker) pairs that it learned from, so that no evaluation flatters it; empty where not known."""
        ...

    def score(self, excerpts: Sequence[Excerpt], progress: Progress = ignore_progress) -> list[EmotionScores]:
        """Scores of each excerpt, in order."""
        ...
