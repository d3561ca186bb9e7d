"""The one interface behind which emotion models live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pipeline.records import EmotionScores, ModelInfo, Progress, ignore_progress


@dataclass(frozen=True)
class Excerpt:
    """A stretch of one speaker's undisturbed speech without its pauses: int16 samples (n,) at 16 kHz."""

    samples: npt.NDArray[np.int16]
    speaker: str


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
