"""The interface of all models that tell the sentiment of words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import ModelInfo

Shares = tuple[float, float, float]
"""Probabilities of negative, neutral and positive, which sum to 1."""


class SentimentModel(Protocol):
    """Tells how texts are meant. It is given words alone, never sound."""

    @property
    def info(self) -> ModelInfo:
        """Description for the report."""
        ...

    def judge(self, texts: Sequence[str], progress: Progress = ignore_progress) -> list[Shares]:
        """Judge each text, in order; a text may be of any length, and none is empty."""
        ...
