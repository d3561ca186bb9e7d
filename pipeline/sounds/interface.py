"""The interface of what finds sounds, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ressenti.pipeline.audio import Audio
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import ModelInfo, Sound

Span = tuple[float, float]


@dataclass(frozen=True)
class Announcement:
    """A stretch in which a recorded voice speaks, on one channel (from 1), and how sure that is."""

    start_s: float
    end_s: float
    confidence: float
    channel: int = 1


@dataclass(frozen=True)
class HeardSounds:
    """The sounds of a recording that are no talk, and its announcements, both in order of time."""

    sounds: tuple[Sound, ...] = ()
    announcements: tuple[Announcement, ...] = ()

    @property
    def spans_without_talk(self) -> dict[int, list[Span]]:
        """`no_talk` of each channel that has some."""
        channels = {s.channel for s in self.sounds} | {a.channel for a in self.announcements}
        return {channel: self.no_talk(channel) for channel in sorted(channels)}

    def no_talk(self, channel: int) -> list[Span]:
        """Spans (s) of a channel (from 1) in which no party speaks: music, tones and announcements."""
        played = [(s.start_s, s.end_s) for s in self.sounds if s.played and s.channel == channel]
        return sorted(played + [(a.start_s, a.end_s) for a in self.announcements if a.channel == channel])

    def vocal(self, channel: int) -> list[Span]:
        """Spans (s) of a channel (from 1) in which a voice laughs, coughs or the like."""
        return sorted((s.start_s, s.end_s) for s in self.sounds if not s.played and s.channel == channel)


class SoundDetector(Protocol):
    """Finds what is no talk in a recording."""

    @property
    def models(self) -> tuple[ModelInfo, ...]:
        """The models that it uses."""
        ...

    def listen(self, audio: Audio, progress: Progress = ignore_progress) -> HeardSounds:
        """Find sounds and announcements on each channel."""
        ...
