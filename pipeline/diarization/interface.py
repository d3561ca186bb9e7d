"""The one interface behind which diarizers live, and how many speakers they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ressenti.pipeline.audio import Audio
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import Diarization, ModelInfo


@dataclass(frozen=True)
class Count:
    """How many speakers to find: exactly, or between two bounds; without an upper one it is left to the diarizer."""

    exactly: int | None = None
    at_least: int = 1
    at_most: int | None = None


class Diarizer(Protocol):
    """Finds who speaks when in a recording."""

    @property
    def models(self) -> tuple[ModelInfo, ...]:
        """The models that it uses."""
        ...

    def diarize(self, audio: Audio, count: Count, progress: Progress = ignore_progress) -> Diarization:
        """Segments with speakers; labels are `S1`, `S2`, ... in order of first speech (or of channels)."""
        ...
