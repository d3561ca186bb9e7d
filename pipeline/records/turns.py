"""Who spoke when, and how each turn sounded: segments, turns, windows and their scores.

Times are seconds from the start of the recording, levels are dBFS, valence and arousal lie in [-1, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field

from ressenti.pipeline.records.fields import (
    CLASSES,
    MOST_S,
    MOST_SEGMENTS,
    MOST_SPEAKERS,
    Dbfs,
    Figure,
    Index,
    Label,
    Reached,
    Record,
    Remark,
    Share,
    Time,
    Unit,
    check,
    check_span,
)
from ressenti.pipeline.records.model import Models
from ressenti.pipeline.records.recording import Notes

Unjudged = Literal["short", "overlap", "restricted", "not_asked", "moved"]
"""Why a turn has no scores: too short, overlapped, its speaker's role is restricted, or was not asked for; or it was
moved from or to such a speaker, and has no scores or lost them."""


@dataclass(frozen=True)
class Segment(Record):
    """A stretch of uninterrupted speech of one speaker, as a diarizer finds it."""

    start_s: Time
    end_s: Time
    speaker: Label

    def __post_init__(self) -> None:
        check_span(self.start_s, self.end_s)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


Segments = Annotated[tuple[Segment, ...], Field(max_length=MOST_SEGMENTS)]
Embedding = Annotated[tuple[Figure, ...], Field(max_length=10_000)]


@dataclass(frozen=True)
class Diarization(Record):
    """Who spoke when, how the number of speakers came about, and a voice embedding per speaker where there is one.

    `count` is `given` (asked for), `channels` (one per channel) or `estimated`; an estimate of several speakers, or
    from little speech, is not reliable and has `count_confidence` low. A diarizer that hears one speaker at a time
    finds no overlap and so no interruptions: `hears_overlap` is False then. One that can also tell who of them leads
    where several speak gives that as `exclusive`, segments of which no two overlap: these cut the turns.
    """

    segments: Segments
    count: Literal["given", "channels", "estimated"]
    count_confidence: Literal["high", "low"]
    models: Models
    hears_overlap: bool
    embeddings: Annotated[tuple[tuple[Label, Embedding], ...], Field(max_length=MOST_SPEAKERS)] = ()
    notes: Notes = ()
    exclusive: Segments = ()

    @property
    def speakers(self) -> tuple[str, ...]:
        """Labels in order of first speech."""
        return tuple(dict.fromkeys(segment.speaker for segment in sorted(self.segments, key=lambda s: s.start_s)))


@dataclass(frozen=True)
class EmotionScores(Record):
    """Scores of the five classes, in the order of `CLASSES`, as the model's activation gave them.

    `softmax` scores sum to 1; `sigmoid` scores are each in [0, 1] on their own; `human` ones are 1 for the class that a
    person heard. `valence` and `arousal` are the
    model's own direct estimates, where it makes them. A `regression` makes these alone: its scores are made of them,
    by nearness to the anchors, and sum to 1. `reached` are the classes of a turn that reached the confidence that was
    asked for, highest first (derived); None where that was not looked at, as of a window.
    """

    scores: Annotated[tuple[Share, ...], Field(min_length=5, max_length=5)]
    activation: Literal["softmax", "sigmoid", "regression", "human"] = "softmax"
    valence: Unit | None = None
    arousal: Unit | None = None
    reached: Reached | None = None

    def __post_init__(self) -> None:
        check(len(self.scores) == len(CLASSES), f"expected {len(CLASSES)} scores, got {len(self.scores)}")
        check(all(0 <= s <= 1 for s in self.scores), f"expected scores in [0, 1], got {self.scores}")
        total = sum(self.scores)
        check(
            self.activation == "sigmoid" or abs(total - 1) < 1e-3,
            f"expected {self.activation} scores that sum to 1, got sum {total}",
        )

    @property
    def top(self) -> str:
        """The class: of those that reached their thresholds the one with the highest score, else of all.

        Thresholds differ by class, so that one with a higher score may not have reached its own.
        """
        return self.reached[0] if self.reached else CLASSES[self.scores.index(max(self.scores))]

    @property
    def confidence(self) -> float:
        """The score of the class."""
        return self.scores[CLASSES.index(self.top)]


@dataclass(frozen=True)
class Window(Record):
    """A scored stretch of a turn: a whole short turn, or a piece of a long one.

    Windows of a long turn overlap; `weight_s` is how many seconds of speech each stands for, and they add up.
    """

    start_s: Time
    end_s: Time
    weight_s: Annotated[float, Field(gt=0, le=MOST_S)]
    emotion: EmotionScores

    def __post_init__(self) -> None:
        check_span(self.start_s, self.end_s)


Windows = Annotated[tuple[Window, ...], Field(max_length=MOST_SEGMENTS)]


def mean_scores(windows: Sequence[Window]) -> EmotionScores:
    """Scores of a turn: the mean of its windows, weighted by the speech they stand for. Needs at least one window.

    What a person heard is of the whole turn, and needs no mean.
    """
    if windows[0].emotion.activation == "human":
        return windows[0].emotion
    if len(windows) == 1:
        return replace(windows[0].emotion, reached=None)
    weights = [w.weight_s for w in windows]
    total = sum(weights)

    def mean(values: Sequence[float]) -> float:
        return sum(v * w for v, w in zip(values, weights, strict=True)) / total

    scores = tuple(min(1.0, mean([w.emotion.scores[k] for w in windows])) for k in range(len(CLASSES)))
    valence = [w.emotion.valence for w in windows if w.emotion.valence is not None]
    arousal = [w.emotion.arousal for w in windows if w.emotion.arousal is not None]
    return EmotionScores(
        scores,
        windows[0].emotion.activation,
        mean(valence) if len(valence) == len(windows) else None,
        mean(arousal) if len(arousal) == len(windows) else None,
    )


@dataclass(frozen=True)
class Original(Record):
    """What the models said of a turn that a person corrected; `reached` as in `EmotionScores`, of their mean."""

    speaker: Label
    windows: Windows = ()
    unjudged: Unjudged | None = None
    reached: Reached | None = None


@dataclass(frozen=True)
class Turn(Record):
    """A speaker's turn: segments joined across short pauses, with what was heard in it.

    `overlap_s` is how much of it somebody else speaks too. `windows` are what the emotion model scored; where there
    are none, `unjudged` says why. `emotion` is the duration-weighted mean of the windows (derived). Where a person
    corrected it, it is as corrected, `original` is the models' answer, and `note` is what the person wrote.
    """

    index: Index
    speaker: Label
    start_s: Time
    end_s: Time
    overlap_s: Time = 0.0
    loudness_dbfs: Dbfs | None = None
    windows: Windows = ()
    unjudged: Unjudged | None = None
    emotion: EmotionScores | None = None
    unsure: bool = False
    original: Original | None = None
    note: Remark = ""

    def __post_init__(self) -> None:
        check_span(self.start_s, self.end_s)
        check(self.overlap_s >= 0, f"expected overlap_s >= 0, got {self.overlap_s}")
        check(not (self.windows and self.unjudged), f"a turn cannot have scores and be unjudged ({self.unjudged})")

    @property
    def by_person(self) -> bool:
        """Whether its class is not the model's, but what a person heard."""
        return self.emotion is not None and self.emotion.activation == "human"

    @property
    def model_answer(self) -> EmotionScores | None:
        """What the model said of the turn, whether or not a person corrected it; None where it said nothing."""
        before = self.original
        if before is None:
            return self.emotion
        return replace(mean_scores(before.windows), reached=before.reached) if before.windows else None

    @property
    def judged_s(self) -> float:
        """How many seconds of speech its windows stand for."""
        return sum(window.weight_s for window in self.windows)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s
