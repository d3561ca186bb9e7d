"""One analysed conversation, as stored and as shown in reports.

Times are seconds from the start of the recording, levels are dBFS, valence and arousal lie in [-1, 1].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from ressenti.pipeline.records.edits import (
    Background,
    Corrections,
    Omission,
    PersonalData,
    PersonalKind,
    PhraseList,
    Span,
    Word,
    WordsFound,
)
from ressenti.pipeline.records.fields import (
    MOST_SEGMENTS,
    MOST_SPEAKERS,
    MOST_TURNS,
    MOST_WORDS,
    Count,
    Name,
    Record,
    Remark,
    check,
)
from ressenti.pipeline.records.intervals import union_s
from ressenti.pipeline.records.measures import Exchange, Moment, Speaker, Trajectory
from ressenti.pipeline.records.model_info import Models
from ressenti.pipeline.records.recording import Levels, Note, Recording
from ressenti.pipeline.records.sounds import Sound
from ressenti.pipeline.records.transcription import Transcription
from ressenti.pipeline.records.turns import Diarization, Sentiment, Turn
from ressenti.pipeline.records.validation import Validation

SCHEMA_VERSION = 9


@dataclass(frozen=True)
class Conversation(Record):
    """Everything known about one recorded conversation, as stored and as shown in reports.

    `validation` is the result named in the config, whether or not it is of this conversation's emotion model.
    `bleeps` are spans silenced in all sound that is given out. `words` are those outside them: a
    transcript's, or recognised ones, and then `transcription` says how. `omissions` are the places of removed words,
    `words_beyond` counts words after the recording's end.
    `personal_data` was found in words and silenced; `phrases` are looked for in the words that are there.
    `background` says how often its terms were said in the user's other conversations.
    `sounds` are those that are no talk. `corrections` are people's; `ressenti.pipeline.derive.derive` applies them to
    turns and speakers. `words_found` are the words of turns whose words a person wrote, as they were before.
    """

    recording: Recording
    layout: Literal["mono", "split"]
    layout_reason: Note
    diarization: Diarization
    speakers: Annotated[tuple[Speaker, ...], Field(max_length=MOST_SPEAKERS)]
    turns: Annotated[tuple[Turn, ...], Field(max_length=MOST_TURNS)]
    models: Models
    config: dict[str, object]
    allow_restricted: Remark | None = None
    trajectories: Annotated[tuple[Trajectory, ...], Field(max_length=MOST_SPEAKERS)] = ()
    exchange: Exchange | None = None
    moments: Annotated[tuple[Moment, ...], Field(max_length=10_000)] = ()
    validation: Validation | None = None
    levels: Levels | None = None
    words: Annotated[tuple[Word, ...], Field(max_length=MOST_WORDS)] = ()
    words_beyond: Count = 0
    bleeps: Annotated[tuple[Span, ...], Field(max_length=1_000)] = ()
    transcription: Transcription | None = None
    omissions: Annotated[tuple[Omission, ...], Field(max_length=MOST_WORDS)] = ()
    personal_data: Annotated[tuple[PersonalData, ...], Field(max_length=100_000)] = ()
    phrases: Annotated[tuple[PhraseList, ...], Field(max_length=100)] = ()
    corrections: Corrections = field(default_factory=Corrections)
    sounds: Annotated[tuple[Sound, ...], Field(max_length=MOST_SEGMENTS)] = ()
    background: Background | None = None
    words_found: Annotated[tuple[WordsFound, ...], Field(max_length=MOST_TURNS)] = ()
    version: Literal[9] = 9
    program: Name = ""

    def __post_init__(self) -> None:
        labels = {speaker.label for speaker in self.speakers}
        unknown = {turn.speaker for turn in self.turns} - labels
        check(not unknown, f"turns have unknown speakers {sorted(unknown)}; known speakers are {sorted(labels)}")

    @property
    def id(self) -> str:
        """The conversation's id in tables: `c-` and the first 16 hex digits of the SHA-256 of its recording.

        A recording keeps its id wherever it lies and however often it is analysed. Among a million recordings the
        chance that any two share an id is 3 in 100 million; `recording.sha256` distinguishes these too. The prefix
        keeps CSV readers from taking an id for a number.
        """
        return f"c-{self.recording.sha256[:16]}"

    @property
    def people(self) -> tuple[Speaker, ...]:
        """The speakers who are people, and no announcements."""
        return tuple(speaker for speaker in self.speakers if speaker.is_person)

    @property
    def people_turns(self) -> tuple[Turn, ...]:
        """The turns of people."""
        played = {speaker.label for speaker in self.speakers if not speaker.is_person}
        return tuple(turn for turn in self.turns if turn.speaker not in played) if played else self.turns

    @cached_property
    def ignored(self) -> tuple[tuple[float, float], ...]:
        """The spans (s) that people leave out of all figures, sorted and joined."""
        return tuple(union_s([(span.start_s, span.end_s) for span in self.corrections.ignored]))

    def places(self) -> dict[int, tuple[float, float]]:
        """Valence and arousal of each turn with points, by index: the mean of its points, weighted by speech."""
        return dict(self._places)

    @cached_property
    def _places(self) -> dict[int, tuple[float, float]]:
        sums: dict[int, list[float]] = {}
        for line in self.trajectories:
            for p in line.points:
                own = sums.setdefault(p.turn, [0.0, 0.0, 0.0])
                for k, value in enumerate((p.weight_s, p.weight_s * p.valence, p.weight_s * p.arousal)):
                    own[k] += value
        return {turn: (valence / weight, arousal / weight) for turn, (weight, valence, arousal) in sums.items()}

    @cached_property
    def sentiments(self) -> Mapping[int, Sentiment]:
        """What the words say of each turn of which it may be told, by index: of people whose emotion is computed.

        Turns in spans that people ignore are left out.
        """
        told = {speaker.label for speaker in self.people if speaker.not_scored is None}
        there = [t for t in self.turns if t.speaker in told and t.unjudged != "ignored"]
        return {t.index: t.sentiment for t in there if t.sentiment is not None}

    def place_of(self, turn: Turn) -> tuple[float, float] | None:
        """Valence and arousal of a turn, or None."""
        return self._places.get(turn.index)

    def kind_omitted(self, place: Omission) -> PersonalKind | None:
        """The kind of personal data that was left out at a place; None if it was another span."""
        found = [p for p in self.personal_data if p.start_s <= place.end_s and p.end_s >= place.start_s]
        return found[0].kind if found else None

    def speaker(self, label: str) -> Speaker:
        """The speaker with this label; raises KeyError if there is none."""
        for speaker in self.speakers:
            if speaker.label == label:
                return speaker
        raise KeyError(label)
