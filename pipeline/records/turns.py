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
    Name,
    Reached,
    Record,
    Remark,
    Share,
    Time,
    Unit,
    check,
    check_span,
)
from ressenti.pipeline.records.model_info import Models
from ressenti.pipeline.records.recording import Notes

Unjudged = Literal[
    "short", "overlap", "restricted", "not_asked", "moved", "announcement", "sound", "no_model", "ignored", "role"
]
"""Why a turn has no scores: too short, overlapped, its speaker's role is restricted or not in `emotion_for`, or it was
moved from or to such a speaker, it is an announcement, it is laughing, coughing or the like, or no emotion model may be
used (it then has windows, without scores). Or a person ignores it, or has given its speaker a role that may be scored,
so that it has to be analysed again."""


@dataclass(frozen=True)
class Segment(Record):
    """A stretch of one speaker's uninterrupted speech, as found by a diarizer.

    `confidence` is the probability that it is this speaker's; None if the diarizer does not tell.
    """

    start_s: Time
    end_s: Time
    speaker: Label
    confidence: Share | None = None

    def __post_init__(self) -> None:
        check_span(self.start_s, self.end_s)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


Segments = Annotated[tuple[Segment, ...], Field(max_length=MOST_SEGMENTS)]
Embedding = Annotated[tuple[Figure, ...], Field(max_length=10_000)]
Channel = Annotated[int, Field(ge=1, le=1_000)]


@dataclass(frozen=True)
class Diarization(Record):
    """Who spoke when, how the number of speakers was found, and voice embeddings if available.

    `count` is `given` (by the user), `channels` (one per channel) or `estimated`, also where a channel has several
    voices; an estimate that may well be wrong has `count_confidence` low. `count_probability` is the probability that
    an estimated number is right; None if the number is not estimated, or if the diarizer does not tell. `hears_overlap`
    is False for a diarizer that finds one speaker at a time, so no overlap and no interruptions. `exclusive` are
    segments without overlap, from a diarizer that also names the main speaker during overlap: turns are cut from these.
    `channels` are the speakers' channels (from 1) where each channel is a party; a channel may have several speakers.
    `embeddings` exist while an analysis runs; they are biometric data and never stored.
    """

    segments: Segments
    count: Literal["given", "channels", "estimated"]
    count_confidence: Literal["high", "low"]
    models: Models
    hears_overlap: bool
    embeddings: Annotated[tuple[tuple[Label, Embedding], ...], Field(max_length=MOST_SPEAKERS)] = ()
    notes: Notes = ()
    exclusive: Segments = ()
    count_probability: Share | None = None
    channels: Annotated[tuple[tuple[Label, Channel], ...], Field(max_length=MOST_SPEAKERS)] = ()

    def channel_of(self, label: str) -> int:
        """The channel (from 1) of a speaker on split channels; S1 is channel 1 where `channels` do not say."""
        digits = label.removeprefix("S")
        return dict(self.channels).get(label, int(digits) if digits.isdecimal() else 1)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Labels in order of first speech."""
        return tuple(dict.fromkeys(segment.speaker for segment in sorted(self.segments, key=lambda s: s.start_s)))


OwnLabels = Annotated[tuple[tuple[Name, Share], ...], Field(max_length=1_000)]


@dataclass(frozen=True)
class EmotionScores(Record):
    """Scores of the five classes, in the order of `CLASSES`, after the model's activation.

    `softmax` scores sum to 1; `sigmoid` scores are independent, each in [0, 1]; `human` scores are 1 for the class that
    a person heard. `valence` and `arousal` are the model's direct estimates, if it makes them. A `regression` estimates
    only these; its scores come from the distance to the anchors and sum to 1. `reached` are the classes of a turn that
    reached the configured confidence, highest first (derived); None if not computed, as for a window. `own` are the
    labels of a model that has others than the five classes, with their scores as published.
    """

    scores: Annotated[tuple[Share, ...], Field(min_length=5, max_length=5)]
    activation: Literal["softmax", "sigmoid", "regression", "human"] = "softmax"
    valence: Unit | None = None
    arousal: Unit | None = None
    reached: Reached | None = None
    own: OwnLabels = ()

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
        """The class with the highest score among those that reached their thresholds, or else among all.

        Thresholds differ by class, so a class with a higher score may miss its own.
        """
        return self.reached[0] if self.reached else CLASSES[self.scores.index(max(self.scores))]

    @property
    def confidence(self) -> float:
        """The score of the class."""
        return self.scores[CLASSES.index(self.top)]


Polarity = Literal["negative", "neutral", "positive"]
"""How words are meant."""


@dataclass(frozen=True)
class Sentiment(Record):
    """What a turn's words say, whatever the voice does: probabilities that they are meant so, which sum to 1.

    A model of texts tells them from `words` words, and never from the sound.
    """

    negative: Share
    neutral: Share
    positive: Share
    words: Annotated[int, Field(ge=1, lt=2**31)]

    def __post_init__(self) -> None:
        total = self.negative + self.neutral + self.positive
        check(abs(total - 1) < 1e-3, f"expected probabilities that sum to 1, got sum {total}")

    @property
    def top(self) -> Polarity:
        """The most probable one; of equals, neutral."""
        order: tuple[Polarity, ...] = ("neutral", "negative", "positive")
        return max(order, key=self.share)

    @property
    def balance(self) -> float:
        """The probability of positive without that of negative, in [-1, 1]."""
        return self.positive - self.negative

    def share(self, polarity: Polarity) -> float:
        """The probability of one of them."""
        return {"negative": self.negative, "neutral": self.neutral, "positive": self.positive}[polarity]


@dataclass(frozen=True)
class VoiceMeasures(Record):
    """How a stretch of speech sounds, without a model: median pitch, level, and brightness.

    `pitch_st` is in semitones above 55 Hz, `level_db` is relative (only differences in a channel mean something),
    `tilt_db` the level above 500 Hz against that below.
    """

    pitch_st: Annotated[float, Field(ge=0, le=48)]
    level_db: Annotated[float, Field(ge=-200, le=200)]
    tilt_db: Annotated[float, Field(ge=-200, le=200)]


@dataclass(frozen=True)
class Window(Record):
    """A stretch of a turn whose tone is judged: a whole short turn, or a piece of a long one.

    Windows of a long turn overlap; `weight_s` is the seconds of speech each stands for, and they add up. `emotion` is
    None without an emotion model. `voice` is None where no voiced sound is found. `activation` is how activated it
    sounds against all speech of the speaker, in standard deviations (derived); None where that is too little.
    """

    start_s: Time
    end_s: Time
    weight_s: Annotated[float, Field(gt=0, le=MOST_S)]
    emotion: EmotionScores | None = None
    voice: VoiceMeasures | None = None
    activation: Annotated[float, Field(ge=-10, le=10)] | None = None

    def __post_init__(self) -> None:
        check_span(self.start_s, self.end_s)

    @property
    def by_person(self) -> bool:
        """Whether a person, not the model, gave its class."""
        return self.emotion is not None and self.emotion.activation == "human"


Windows = Annotated[tuple[Window, ...], Field(max_length=MOST_SEGMENTS)]


def mean_scores(windows: Sequence[Window]) -> EmotionScores | None:
    """Scores of a turn: the mean of its windows, weighted by speech; None if no window has scores.

    A class given by a person applies to the whole turn and is returned as it is.
    """
    scored = [(w.emotion, w.weight_s) for w in windows if w.emotion is not None]
    if not scored:
        return None
    first = scored[0][0]
    if first.activation == "human":
        return first
    if len(scored) == 1:
        return replace(first, reached=None)
    emotions, weights = [emotion for emotion, _ in scored], [weight for _, weight in scored]
    total = sum(weights)

    def mean(values: Sequence[float]) -> float:
        return sum(v * w for v, w in zip(values, weights, strict=True)) / total

    scores = tuple(min(1.0, mean([e.scores[k] for e in emotions])) for k in range(len(CLASSES)))
    valence = [e.valence for e in emotions if e.valence is not None]
    arousal = [e.arousal for e in emotions if e.arousal is not None]
    return EmotionScores(
        scores,
        first.activation,
        mean(valence) if len(valence) == len(emotions) else None,
        mean(arousal) if len(arousal) == len(emotions) else None,
        own=_mean_own(emotions, weights),
    )


def _mean_own(emotions: Sequence[EmotionScores], weights: Sequence[float]) -> OwnLabels:
    """The mean of a model's own labels; none if windows have different ones."""
    labels = [label for label, _ in emotions[0].own]
    if not labels or any([label for label, _ in e.own] != labels for e in emotions):
        return ()
    total = sum(weights)
    shares = [sum(w * e.own[k][1] for e, w in zip(emotions, weights, strict=True)) / total for k in range(len(labels))]
    return tuple(zip(labels, (min(1.0, share) for share in shares), strict=True))


@dataclass(frozen=True)
class Original(Record):
    """The models' answer for a corrected turn; `reached` as in `EmotionScores`, for the mean of the windows.

    `speaker_confidence` is the diarizer's, as in `Turn`.
    """

    speaker: Label
    windows: Windows = ()
    unjudged: Unjudged | None = None
    reached: Reached | None = None
    speaker_confidence: Share | None = None


@dataclass(frozen=True)
class Turn(Record):
    """A speaker's turn: segments joined across short pauses, with their scores.

    `overlap_s` is the time in which somebody else speaks too. `windows` are judged by the emotion model; if there are
    none, or they have no scores, `unjudged` says why. `emotion` is the weighted mean of the windows (derived).
    `speaker_confidence` is the mean confidence of its segments, weighted by duration; None if the diarizer does not
    tell, or if a person set the speaker. `speaker_unsure` says whether it is below the configured limit (derived). A
    corrected turn holds the corrected values, `original` is the models' answer, and `note` is the person's remark.
    `sentiment` is what its words say; None without a model for it, without words enough, and where emotion is not
    computed.
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
    speaker_confidence: Share | None = None
    speaker_unsure: bool = False
    original: Original | None = None
    note: Remark = ""
    sentiment: Sentiment | None = None

    def __post_init__(self) -> None:
        check_span(self.start_s, self.end_s)
        check(self.overlap_s >= 0, f"expected overlap_s >= 0, got {self.overlap_s}")
        scored = any(window.emotion for window in self.windows)
        check(not (scored and self.unjudged), f"a turn cannot have scores and be unjudged ({self.unjudged})")
        fits = scored or not self.windows or self.unjudged == "no_model"
        check(fits, f"windows without scores: expected unjudged no_model, got {self.unjudged}")

    @property
    def activation(self) -> float | None:
        """How activated it sounds against all speech of its speaker, in standard deviations; None if not known."""
        told = [(w.activation, w.weight_s) for w in self.windows if w.activation is not None]
        return sum(a * s for a, s in told) / sum(s for _, s in told) if told else None

    @property
    def by_person(self) -> bool:
        """Whether a person, not the model, gave its class."""
        return self.emotion is not None and self.emotion.activation == "human"

    @property
    def speaker_by_person(self) -> bool:
        """Whether a person set its speaker: another one, or the diarizer's, who had been unsure."""
        before = self.original
        if before is None:
            return False
        confirmed = before.speaker_confidence is not None and self.speaker_confidence is None
        return before.speaker != self.speaker or confirmed

    @property
    def speaker_told(self) -> bool:
        """Whether it is known how sure its speaker is: the diarizer tells, or a person set the speaker."""
        return self.speaker_confidence is not None or self.speaker_by_person

    @property
    def model_answer(self) -> EmotionScores | None:
        """The model's scores of the turn, even if a person corrected it; None if it has none."""
        before = self.original
        if before is None:
            return self.emotion
        scores = mean_scores(before.windows)
        return replace(scores, reached=before.reached) if scores else None

    @property
    def judged_s(self) -> float:
        """Seconds of speech that its windows stand for."""
        return sum(window.weight_s for window in self.windows)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s
