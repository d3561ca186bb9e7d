"""The interface of all diarizers, and the number of speakers to find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ressenti.pipeline.audio import Audio
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import Diarization, ModelInfo


@dataclass(frozen=True)
class Count:
    """How many speakers to find: an exact number, or bounds; without `at_most`, the diarizer sets the maximum."""

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
        """Find segments with speakers; labels are `S1`, `S2`, ... in order of first speech (or of channels)."""
        ...
