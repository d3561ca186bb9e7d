"""The recording: its file, its levels, and notes on how it was read.

Times are seconds from the start of the recording, levels are dBFS, valence and arousal lie in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from ressenti.pipeline.records.fields import MOST_S, Dbfs, Name, Record, Sha256, Values, check

NoteKey = Literal[
    "one_channel",
    "split_asked",
    "mono_asked",
    "many_channels",
    "silent_channel",
    "one_channel_leads",
    "channels_differ",
    "channels_alike",
    "channels_cancel",
    "truncated",
    "damaged",
    "gaps_filled",
    "lost_filled",
    "late_start",
    "early_header",
    "trailing_bytes",
    "track_chosen",
    "track_alone",
    "tracks_joined",
    "tracks_silent",
    "tracks_copies",
    "tracks_mix",
    "tracks_language",
    "tracks_version",
    "tracks_undecodable",
    "raw_guessed",
    "raw_unused",
    "scaled",
    "fewer_speakers",
    "more_than_roles",
    "channels_decided",
    "channel_voices",
    "count_agrees",
    "count_as_bound",
    "count_forced",
    "installed",
    "calibrated",
    "expected",
    "trained_bound",
    "head_stock",
    "head_ehcalabres",
    "head_audeering",
    "computed",
    "activation_sigmoid",
    "activation_softmax",
    "activation_regression",
    "labels",
    "labels_none",
]
"""The keys of notes."""


@dataclass(frozen=True)
class Note(Record):
    """A fact that the reader must know, as a key and the values for its text.

    The text is under `note_KEY` in the page's locales.
    """

    key: NoteKey
    values: Values = field(default_factory=dict)


Notes = Annotated[tuple[Note, ...], Field(max_length=1_000)]


@dataclass(frozen=True)
class Recording(Record):
    """Properties of the file; `sample_rate_hz` is the rate before resampling."""

    name: Name
    sha256: Sha256
    duration_s: Annotated[float, Field(gt=0, le=MOST_S)]
    channels: Annotated[int, Field(ge=1, le=1_000)]
    sample_rate_hz: Annotated[int, Field(ge=1, le=10_000_000)]
    codec: Annotated[str, Field(max_length=100)]
    notes: Notes = ()

    def __post_init__(self) -> None:
        check(self.duration_s > 0, f"expected duration_s > 0, got {self.duration_s}")
        check(self.channels > 0, f"expected at least 1 channel, got {self.channels}")


@dataclass(frozen=True)
class Levels(Record):
    """Loudness over time: the highest level (dBFS) in each step of `step_s` seconds."""

    step_s: Annotated[float, Field(ge=0.001, le=3_600)]
    dbfs: Annotated[tuple[Dbfs, ...], Field(max_length=10_000_000)]
