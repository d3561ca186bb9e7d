"""An emotion model with given answers, for tests and experiments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ressenti.pipeline.emotion.interface import Excerpt
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import EmotionScores, ModelInfo

_EVEN = EmotionScores((0.2, 0.2, 0.2, 0.2, 0.2))


class FakeEmotion:
    """Scores excerpts with a function; `heard` records every excerpt."""

    def __init__(self, answer: Callable[[Excerpt], EmotionScores] = lambda _: _EVEN) -> None:
        self._answer = answer
        self.info = ModelInfo("emotion", "fake-emotion", "none", commercial=True)
        self.parts: tuple[ModelInfo, ...] = ()
        self.learned: frozenset[tuple[str, str]] = frozenset()
        self.heard: list[Excerpt] = []

    def score(self, excerpts: Sequence[Excerpt], progress: Progress = ignore_progress) -> list[EmotionScores]:
        """Return the answers, in order."""
        self.heard += excerpts
        progress("emotion", len(excerpts), len(excerpts))
        return [self._answer(excerpt) for excerpt in excerpts]
