"""What people add to a conversation: words, corrections and silenced spans.

Times are seconds from the start of the recording, levels are dBFS, valence and arousal lie in [-1, 1].
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from ressenti.pipeline.records.fields import (
    MOST_LETTERS,
    MOST_SPEAKERS,
    MOST_TURNS,
    MOST_WORDS,
    ClassName,
    Index,
    Kind,
    Label,
    Name,
    Record,
    Remark,
    Share,
    Time,
)
from ressenti.pipeline.records.turns import Sentiment

INEXACT_S = 1.5  # how far a word may be from its place within its cue
RECOGNISED_S = 0.3  # how far off the times of a recognised word may be
OMITTED = "[…]"  # shown where words were removed
UNSURE = "(?)"  # follows an unsure word in text
NEW_LABEL = re.compile(r"S[1-9][0-9]?")  # of a speaker added by a person
MOST_IGNORED = 1_000  # spans to ignore
Editor = Annotated[str, Field(max_length=100)]  # who corrected it; may be empty
EditTime = Annotated[str, Field(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$")]  # in UTC


@dataclass(frozen=True)
class Span(Record):
    """A stretch of the recording."""

    start_s: Time
    end_s: Time

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s) and 0 <= self.start_s < self.end_s):
            raise ValueError(f"expected finite 0 <= start_s < end_s, got {self.start_s} and {self.end_s}")

    def overlap_s(self, start_s: float, end_s: float) -> float:
        """Seconds shared with another stretch."""
        return max(0.0, min(self.end_s, end_s) - max(self.start_s, start_s))


@dataclass(frozen=True)
class Word(Record):
    """A word of a transcript and its turn (None if it lies outside all turns).

    `exact` is False if the transcript has no time for the word, so that it was placed evenly within its cue.
    `confidence` is the probability that a recognised word is right, as its model says; None for a transcript's.
    """

    start_s: Time
    end_s: Time
    text: Annotated[str, Field(max_length=MOST_LETTERS)]
    turn: Index | None = None
    exact: bool = True
    confidence: Share | None = None


@dataclass(frozen=True)
class Omission(Record):
    """A place where words were removed because they are, or may be, silenced; their text is deleted.

    Adjacent removed words of a turn (None: outside all turns) share one omission.
    """

    start_s: Time
    end_s: Time
    turn: Index | None = None


PersonalKind = Literal["card", "iban", "nir", "phone", "email", "birth", "number", "name"]
"""Payment card, bank account, French social security number, telephone, e-mail address, date of birth; any other run of
digits or spelled letters; a person's name."""


@dataclass(frozen=True)
class PersonalData(Record):
    """Personal data that was found in words, from its first to its last word; its text is deleted."""

    kind: PersonalKind
    start_s: Time
    end_s: Time


@dataclass(frozen=True)
class Phrase(Record):
    """A phrase to look for: its name, its wordings, whether it must be said, and by which role (None: anybody).

    `match` is `exact`, or `stems` for other forms of the words, too.
    """

    name: Name
    any: Annotated[tuple[Name, ...], Field(min_length=1, max_length=200)]
    must: bool = False
    role: Name | None = None
    match: Literal["exact", "stems"] = "exact"


@dataclass(frozen=True)
class PhraseList(Record):
    """Phrases of one language, as a user listed them."""

    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
    phrases: Annotated[tuple[Phrase, ...], Field(min_length=1, max_length=500)]


@dataclass(frozen=True)
class TermCount(Record):
    """A term (one or two words, as they are compared): how often it was said, and in how many other conversations."""

    term: Name
    count: Index
    conversations: Index


@dataclass(frozen=True)
class Background(Record):
    """How the user's other conversations talk: how many there are, their words, and terms that this one has, too."""

    conversations: Index
    words: Index
    terms: Annotated[tuple[TermCount, ...], Field(max_length=1_000_000)] = ()


@dataclass(frozen=True)
class WordsFound(Record):
    """The words of a turn before a person wrote others, and what they say; they come back with the correction's end."""

    turn: Index
    words: Annotated[tuple[Word, ...], Field(max_length=MOST_WORDS)] = ()
    sentiment: Sentiment | None = None


@dataclass(frozen=True)
class TurnCorrection(Record):
    """A person's corrections of one turn; None and empty fields keep what was found.

    `words` are the turn's whole text, and may be empty. `by` and `at` say who corrected it and when, as in all
    corrections.
    """

    turn: Index
    speaker: Label | None = None
    emotion: ClassName | None = None
    note: Remark = ""
    words: Remark | None = None
    by: Editor = ""
    at: EditTime = ""


@dataclass(frozen=True)
class SpeakerName(Record):
    """A speaker's name given by a person."""

    speaker: Label
    name: Name
    by: Editor = ""
    at: EditTime = ""


@dataclass(frozen=True)
class SpeakerRole(Record):
    """A speaker's role given by a person; None takes the role away."""

    speaker: Label
    role: Name | None
    by: Editor = ""
    at: EditTime = ""


@dataclass(frozen=True)
class SpeakerKind(Record):
    """Whether a voice is a person or an announcement, as a person says."""

    speaker: Label
    kind: Kind
    by: Editor = ""
    at: EditTime = ""


WhyIgnored = Literal["announcement", "hold", "before", "other"]
"""What a span to ignore holds: an announcement, hold, what comes before the talk, or something else."""


@dataclass(frozen=True)
class Ignored(Span):
    """A span that a person leaves out of speech, silence, turn-taking, figures and moments."""

    why: WhyIgnored = "other"
    by: Editor = ""
    at: EditTime = ""


@dataclass(frozen=True)
class CallNote(Record):
    """A person's note on the whole conversation."""

    text: Remark
    by: Editor = ""
    at: EditTime = ""


@dataclass(frozen=True)
class Corrections(Record):
    """All corrections, kept apart from the models' results; at most one entry per turn and per speaker and kind."""

    names: Annotated[tuple[SpeakerName, ...], Field(max_length=MOST_SPEAKERS)] = ()
    turns: Annotated[tuple[TurnCorrection, ...], Field(max_length=MOST_TURNS)] = ()
    kinds: Annotated[tuple[SpeakerKind, ...], Field(max_length=MOST_SPEAKERS)] = ()
    roles: Annotated[tuple[SpeakerRole, ...], Field(max_length=MOST_SPEAKERS)] = ()
    ignored: Annotated[tuple[Ignored, ...], Field(max_length=MOST_IGNORED)] = ()
    note: CallNote | None = None

    def __post_init__(self) -> None:
        turns = Counter(t.turn for t in self.turns)
        of_speakers = (Counter(entry.speaker for entry in own) for own in (self.names, self.kinds, self.roles))
        twice = [f"turn {k}" for k, n in turns.items() if n > 1]
        twice += [label for counted in of_speakers for label, n in counted.items() if n > 1]
        if twice:
            raise ValueError(f"expected one correction for each turn and speaker, got several for {', '.join(twice)}")

    def __bool__(self) -> bool:
        return bool(self.names or self.turns or self.kinds or self.roles or self.ignored or self.note)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Labels of all speakers that corrections refer to, once each."""
        named = [t.speaker for t in self.turns if t.speaker]
        named += [entry.speaker for own in (self.names, self.kinds, self.roles) for entry in own]
        return tuple(dict.fromkeys(named))
