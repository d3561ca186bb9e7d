"""The interface of all emotion models."""

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
    """A stretch of one speaker's speech without overlap and pauses: int16 samples (n,) at 16 kHz."""

    samples: npt.NDArray[np.int16]
    speaker: str


class Excerpts(Sequence[Excerpt]):
    """Excerpts that are cut on access, as those of a long conversation together would be a second copy of it."""

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
    """Scores all excerpts of a conversation at once, so that it can use each speaker's baseline."""

    @property
    def info(self) -> ModelInfo:
        """Description for the report."""
        ...

    @property
    def parts(self) -> tuple[ModelInfo, ...]:
        """Third-party models that it uses, if any; the report names them too."""
        ...

    @property
    def learned(self) -> frozenset[tuple[str, str]]:
        """(corpus, speaker) pairs of its training data, so that evaluations can exclude them; empty if unknown."""
        ...

    def score(self, excerpts: Sequence[Excerpt], progress: Progress = ignore_progress) -> list[EmotionScores]:
        """Score each excerpt, in order."""
        ...
