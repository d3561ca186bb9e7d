"""The interface of all models that recognise words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ressenti.pipeline.audio import Audio
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import ModelInfo, Transcription

Span = tuple[float, float]


@dataclass(frozen=True)
class Speech:
    """One speaker's speech in a channel (from 0): spans (s), sorted and disjoint."""

    speaker: str
    channel: int
    spans: tuple[Span, ...]

    @property
    def seconds(self) -> float:
        """Seconds of speech."""
        return sum(end - start for start, end in self.spans)


@dataclass(frozen=True)
class HeardWord:
    """A recognised word, the channel (from 0) in which it was heard, and the model's probability of it."""

    start_s: float
    end_s: float
    text: str
    channel: int
    confidence: float


@dataclass(frozen=True)
class Transcript:
    """Recognised words in order of time, and how they were recognised.

    `dropped` are words that the guards did not believe. They are given out nowhere; redaction looks for personal data
    in them, too, as it is in the sound.
    """

    words: tuple[HeardWord, ...]
    about: Transcription
    dropped: tuple[HeardWord, ...] = ()


class Transcriber(Protocol):
    """Recognises the words of a recording in the speech that a diarizer found."""

    @property
    def info(self) -> ModelInfo:
        """Description for the report."""
        ...

    def transcribe(self, audio: Audio, speech: Sequence[Speech], progress: Progress = ignore_progress) -> Transcript:
        """Recognise the words of all speakers. No word lies outside their speech; overlap is transcribed once."""
        ...
