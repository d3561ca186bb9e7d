"""A model of sentiment with given answers, for tests and experiments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import ModelInfo
from ressenti.pipeline.sentiment.interface import Shares


class FakeSentiment:
    """Judges texts with a function; `read` records every text."""

    def __init__(self, answer: Callable[[str], Shares] = lambda _: (0.1, 0.8, 0.1)) -> None:
        self._answer = answer
        self.info = ModelInfo("sentiment", "fake-sentiment", "none", commercial=True)
        self.read: list[str] = []

    def judge(self, texts: Sequence[str], progress: Progress = ignore_progress) -> list[Shares]:
        """Return the answers, in order."""
        self.read += texts
        progress("sentiment", len(texts), len(texts))
        return [self._answer(text) for text in texts]
