"""A diarizer with fixed answers, for tests and experiments."""

from __future__ import annotations

from collections.abc import Sequence

from ressenti.pipeline.audio import Audio
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import Diarization, ModelInfo, Segment


class FakeDiarizer:
    """Returns fixed segments for any audio; `asked` records the requested counts."""

    models: tuple[ModelInfo, ...] = (ModelInfo("diarization", "fake-diarizer", "none", commercial=True),)

    def __init__(self, segments: Sequence[tuple[float, float, str] | tuple[float, float, str, float]]) -> None:
        self._segments = tuple(Segment(*segment) for segment in segments)
        self.asked: list[Count] = []

    def diarize(self, audio: Audio, count: Count, progress: Progress = ignore_progress) -> Diarization:
        """Return the segments, with the count as estimated and high confidence."""
        self.asked.append(count)
        progress("speech", audio.duration_s, audio.duration_s)
        return Diarization(self._segments, "estimated", "high", self.models, hears_overlap=True)
