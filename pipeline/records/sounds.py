"""Sounds that are no talk: music, tones, and what voices do besides speaking.

Times are seconds from the start of the recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from ressenti.pipeline.records.fields import Label, Record, Share, Time, check_span

SoundKind = Literal["music", "tone", "laughter", "crying", "sigh", "cough", "throat", "sneeze", "shout"]
PLAYED: tuple[SoundKind, ...] = ("music", "tone")
"""What a telephone system plays; the others are sounds of a voice."""


@dataclass(frozen=True)
class Sound(Record):
    """A sound that is no talk, on one channel (from 1; a mix is channel 1).

    `confidence` is the highest probability that the model gave it. `speaker` is who made it, as far as it can be told.
    """

    kind: SoundKind
    start_s: Time
    end_s: Time
    confidence: Share
    channel: Annotated[int, Field(ge=1, le=1_000)] = 1
    speaker: Label | None = None

    def __post_init__(self) -> None:
        check_span(self.start_s, self.end_s)

    @property
    def played(self) -> bool:
        """Whether a telephone system plays it, and no voice makes it."""
        return self.kind in PLAYED
