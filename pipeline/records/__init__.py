"""The frozen records that the steps hand on to one another, from a recording to a conversation.

Times are seconds from the start of the recording, levels are dBFS, valence and arousal lie in [-1, 1].
What `derive` in `pipeline.run` computes from the measured part is marked as derived; it can be made again at any time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from ressenti.pipeline.records.edits import (
    MOST_S,
    MOST_SEGMENTS,
    MOST_SPEAKERS,
    MOST_TURNS,
    MOST_WORDS,
    ClassName,
    Corrections,
    Index,
    Label,
    Name,
    Omission,
    Record,
    Remark,
    Span,
    Time,
    Word,
)

CLASSES = ("Pleased", "Relaxed", "Neutral", "Sad", "Tension")
SCHEMA_VERSION = 2

Share = Annotated[float, Field(ge=0, le=1)]
Unit = Annotated[float, Field(ge=-1, le=1)]
Dbfs = Annotated[float, Field(ge=-1_000, le=200)]
Seconds = Annotated[float, Field(ge=0, le=MOST_S * MOST_SPEAKERS)]  # of all speakers together
Figure = Annotated[float, Field(ge=-1e9, le=1e9)]
Count = Annotated[int, Field(ge=0, lt=2**31)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Values = Annotated[
    dict[Annotated[str, Field(max_length=200)], Figure | Annotated[int, Field(ge=-(10**15), le=10**15)] | Name],
    Field(max_length=1_000),
]
Place = Annotated[str, Field(max_length=4_096)]
ClassText = Annotated[str, Field(pattern=r"^(Pleased|Relaxed|Neutral|Sad|Tension)$")]
Reached = Annotated[tuple[ClassText, ...], Field(max_length=5)]
Quarters = Annotated[tuple[Unit | None, ...], Field(min_length=4, max_length=4)]
Line = Annotated[tuple[Unit | None, ...], Field(max_length=1_000_000)]

Progress = Callable[[str, float, float | None], None]
"""Progress hook: stage, how much is completed, out of how much (None while that is not known)."""

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
    "count_agrees",
    "count_as_bound",
    "count_forced",
    "installed",
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
"""What a note can say."""

Unjudged = Literal["short", "overlap", "restricted", "not_asked", "moved"]
"""Why a turn has no scores: too short, overlapped, its speaker's role is restricted, or was not asked for; or it was
moved from or to such a speaker, and has no scores or lost them."""


def ignore_progress(stage: str, completed: float, total: float | None) -> None:
    """The hook of those who do not want to know."""


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _check_span(start_s: float, end_s: float) -> None:
    _check(
        math.isfinite(start_s) and math.isfinite(end_s) and 0 <= start_s < end_s,
        f"expected finite 0 <= start_s < end_s, got {start_s} and {end_s}",
    )


@dataclass(frozen=True)
class Note(Record):
    """Something that the reader must know, as a key that the page has words for and the values to fill in.

    The page's words for it are under `note_KEY` in the locales.
    """

    key: NoteKey
    values: Values = field(default_factory=dict)


Notes = Annotated[tuple[Note, ...], Field(max_length=1_000)]


@dataclass(frozen=True)
class Recording(Record):
    """What is known of the file itself; `sample_rate_hz` is the file's own, before resampling."""

    name: Name
    sha256: Sha256
    duration_s: Annotated[float, Field(gt=0, le=MOST_S)]
    channels: Annotated[int, Field(ge=1, le=1_000)]
    sample_rate_hz: Annotated[int, Field(ge=1, le=10_000_000)]
    codec: Annotated[str, Field(max_length=100)]
    notes: Notes = ()

    def __post_init__(self) -> None:
        _check(self.duration_s > 0, f"expected duration_s > 0, got {self.duration_s}")
        _check(self.channels > 0, f"expected at least 1 channel, got {self.channels}")


@dataclass(frozen=True)
class Segment(Record):
    """A stretch of uninterrupted speech of one speaker, as a diarizer finds it."""

    start_s: Time
    end_s: Time
    speaker: Label

    def __post_init__(self) -> None:
        _check_span(self.start_s, self.end_s)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class ModelInfo(Record):
    """One model that took part: what it did, who it is, and what its licence allows.

    `sha256` is what `sha256sum` prints of the file that makes the model: an emotion model's weights, the `config.yaml`
    of a pipeline, whose networks are models of their own. Where there are several (shards; a pipeline's PLDA), it is
    the SHA-256 of the lines that `sha256sum` prints of them, sorted by name. `licence` is None where nobody has said
    it, `commercial` None where it is not known whether commercial use is allowed. `notes` say how it was used, of an
    emotion model: head, number format, activation, and labels, each with its class; `cannot` are the classes that an
    emotion model never gives.
    """

    task: Literal["speech activity", "speaker embedding", "diarization", "voice encoder", "emotion"]
    name: Place
    licence: Name | None
    sha256: Sha256 | None = None
    commercial: bool | None = None
    notes: Notes = ()
    cannot: Reached = ()

    def __post_init__(self) -> None:
        _check(
            self.licence is not None or self.commercial is None,
            f"{self.name}: expected commercial None where no licence is known, got {self.commercial}",
        )


@dataclass(frozen=True)
class ClassFigure(Record):
    """F1 of one class, None where nobody heard it; `support` is how many labels say so, of several raters in parts."""

    name: ClassName
    f1: Share | None
    support: Annotated[float, Field(ge=0, le=1e9)]


@dataclass(frozen=True)
class Validation(Record):
    """How an emotion model did on turns of one's own recordings that people labelled blindly.

    `ressenti evaluate label` makes it; `pipeline.lab.evaluation.agreement` says how. `turns` are those with a class by
    somebody, out of `drawn`; `abstentions` are answers that nothing can be told. `right` is the share of turns on which
    the model's class is the people's, `right_sure` among the `sure_turns` alone. `macro_f1_low` and `macro_f1_high` are
    a 95 % interval over speakers, None with fewer than four. Alphas (Krippendorff) are None where not defined, as
    with one rater; so are the concordances with the raters' valence and arousal.
    """

    model: Place
    model_sha256: Sha256 | None
    recordings: Count
    speakers: Count
    turns: Annotated[int, Field(ge=1, lt=2**31)]
    drawn: Count
    raters: Annotated[int, Field(ge=1, lt=2**31)]
    abstentions: Count
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    alpha_class: Figure | None
    alpha_valence: Figure | None
    alpha_arousal: Figure | None
    macro_f1: Share
    macro_f1_low: Share | None
    macro_f1_high: Share | None
    classes: Annotated[tuple[ClassFigure, ...], Field(max_length=5)]
    right: Share
    right_sure: Share | None
    sure_turns: Count
    concordance_valence: Figure | None
    concordance_arousal: Figure | None

    def __post_init__(self) -> None:
        _check(self.turns > 0 and self.raters > 0, f"expected turns and raters, got {self.turns} and {self.raters}")
        _check(0 <= self.macro_f1 <= 1, f"expected macro_f1 in [0, 1], got {self.macro_f1}")

    def is_of(self, models: Sequence[ModelInfo]) -> bool:
        """Whether the emotion model among these is the one that was validated, by name and hash."""
        return any(m.task == "emotion" and (m.name, m.sha256) == (self.model, self.model_sha256) for m in models)


Segments = Annotated[tuple[Segment, ...], Field(max_length=MOST_SEGMENTS)]
Models = Annotated[tuple[ModelInfo, ...], Field(max_length=100)]
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
        _check(len(self.scores) == len(CLASSES), f"expected {len(CLASSES)} scores, got {len(self.scores)}")
        _check(all(0 <= s <= 1 for s in self.scores), f"expected scores in [0, 1], got {self.scores}")
        total = sum(self.scores)
        _check(
            self.activation == "sigmoid" or abs(total - 1) < 1e-3,
            f"expected {self.activation} scores of sum 1, got sum {total}",
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
        _check_span(self.start_s, self.end_s)


Windows = Annotated[tuple[Window, ...], Field(max_length=MOST_SEGMENTS)]


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
        _check_span(self.start_s, self.end_s)
        _check(self.overlap_s >= 0, f"expected overlap_s >= 0, got {self.overlap_s}")
        _check(not (self.windows and self.unjudged), f"a turn cannot have scores and be unjudged ({self.unjudged})")

    @property
    def by_person(self) -> bool:
        """Whether its class is not the model's, but what a person heard."""
        return self.emotion is not None and self.emotion.activation == "human"

    @property
    def judged_s(self) -> float:
        """How many seconds of speech its windows stand for."""
        return sum(window.weight_s for window in self.windows)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class AffectPoint(Record):
    """Expected valence and arousal of one scored window, with the spread (standard deviation) of the class scores.

    `time_s` is the middle of the window, `duration_s` its length, `weight_s` the seconds of speech that it stands for.
    """

    time_s: Time
    duration_s: Time
    weight_s: Annotated[float, Field(gt=0, le=MOST_S)]
    valence: Unit
    arousal: Unit
    valence_sd: Annotated[float, Field(ge=0, le=10)]
    arousal_sd: Annotated[float, Field(ge=0, le=10)]
    turn: Index


@dataclass(frozen=True)
class Trajectory(Record):
    """One speaker's smoothed valence and arousal on a grid of times, with 95 % bands; None where speech is too far."""

    speaker: Label
    points: Annotated[tuple[AffectPoint, ...], Field(max_length=MOST_SEGMENTS)]
    times_s: Annotated[tuple[Time, ...], Field(max_length=1_000_000)]
    valence: Line
    valence_low: Line
    valence_high: Line
    arousal: Line
    arousal_low: Line
    arousal_high: Line


@dataclass(frozen=True)
class Estimate(Record):
    """A mean with its 95 % interval and the standard deviation over windows."""

    mean: Annotated[float, Field(ge=-2, le=2)]
    low: Annotated[float, Field(ge=-2, le=2)]
    high: Annotated[float, Field(ge=-2, le=2)]
    sd: Annotated[float, Field(ge=0, le=10)] = 0.0


@dataclass(frozen=True)
class Talk(Record):
    """How a speaker took part: seconds, counts, and the median gap before answering."""

    talk_s: Time
    share: Share
    turns: Count
    longest_monologue_s: Time
    interruptions: Count
    backchannels: Count
    response_latency_s: Time | None
    loudness_dbfs: Dbfs | None


@dataclass(frozen=True)
class Affect(Record):
    """How a speaker sounded: all judged turns, weighted by their length.

    `class_shares` follow `CLASSES` and are shares of the judged time in which it was the class, and
    sure; `unsure_share` is the rest. Quarters are of the speaker's own stretch of the conversation; a change is the
    last quarter less the first. Inertia (lag-1 autocorrelation) and instability (MSSD, per median interval) are None
    below the number of turns that they need.
    `valence` and `arousal` are None where no scores say anything of them: independent ones that are all low.
    """

    judged_s: Annotated[float, Field(gt=0, le=MOST_S * MOST_SPEAKERS)]
    judged_turns: Count
    unsure_turns: Count
    class_shares: Annotated[tuple[Share, ...], Field(min_length=5, max_length=5)]
    unsure_share: Share
    valence: Estimate | None
    arousal: Estimate | None
    valence_quarters: Quarters
    arousal_quarters: Quarters
    valence_change: Estimate | None = None
    arousal_change: Estimate | None = None
    valence_inertia: Figure | None = None
    arousal_inertia: Figure | None = None
    valence_instability: Figure | None = None
    arousal_instability: Figure | None = None


@dataclass(frozen=True)
class Speaker(Record):
    """A speaker of the conversation. `role_source` is `channel`, `named` or `guess` (by order of first speech).

    `not_scored` says why emotion was not computed; None means that it was. `affect` is None too when nothing
    could be judged. `original_name` is what a speaker was called before a person renamed them, None where nobody did;
    `added` ones were not found by the diarizer, but by a person who gave them a turn.
    """

    label: Label
    name: Name
    role: Name | None = None
    role_source: Literal["channel", "named", "guess"] | None = None
    not_scored: Literal["restricted", "unconfirmed", "unknown_role", "not_asked"] | None = None
    talk: Talk | None = None
    affect: Affect | None = None
    original_name: Name | None = None
    added: bool = False


@dataclass(frozen=True)
class Silence(Record):
    """A stretch in which nobody speaks."""

    start_s: Time
    end_s: Time

    def __post_init__(self) -> None:
        _check_span(self.start_s, self.end_s)


@dataclass(frozen=True)
class Interruption(Record):
    """A turn that begins while another speaker talks, overlaps for long enough, and takes the floor."""

    time_s: Time
    by: Label
    of: Label
    overlap_s: Annotated[float, Field(gt=0, le=MOST_S)]


@dataclass(frozen=True)
class Monologue(Record):
    """A stretch in which one speaker holds the floor."""

    start_s: Time
    end_s: Time
    speaker: Label

    def __post_init__(self) -> None:
        _check_span(self.start_s, self.end_s)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class Exchange(Record):
    """Figures of the conversation as a whole; silences are those longer than the configured limit.

    `monologues` are each speaker's longest, by `affect.dynamics.monologues_of`; none where an older version analysed.
    """

    speech_s: Time
    overlap_s: Seconds
    non_talk_s: Time
    silences: Annotated[tuple[Silence, ...], Field(max_length=MOST_SEGMENTS)]
    interruptions: Annotated[tuple[Interruption, ...], Field(max_length=MOST_SEGMENTS)]
    monologues: Annotated[tuple[Monologue, ...], Field(max_length=MOST_SPEAKERS)] = ()


@dataclass(frozen=True)
class Moment(Record):
    """A stretch worth listening to. `certain` is False where it may well be chance; `values` are the figures behind it.

    `tension`: a peak of a speaker's smoothed Tension score (tension, low, high, and usual: over the whole).
    `valence`, `arousal`: where a trajectory changes most (change, from, to, z: change over its standard error).
    Of these `by_person` is the share of their weight that comes from classes which a person gave.
    `silence`, `monologue`: the longest (seconds). `interruption`: of whom, for how long (of, overlap_s).
    """

    kind: Literal["tension", "valence", "arousal", "silence", "monologue", "interruption"]
    start_s: Time
    end_s: Time
    speaker: Label | None = None
    certain: bool = True
    values: Values = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_span(self.start_s, self.end_s)


@dataclass(frozen=True)
class Levels(Record):
    """How loud the recording is over time: the highest level (dBFS) in each `step_s` seconds."""

    step_s: Annotated[float, Field(ge=0.001, le=3_600)]
    dbfs: Annotated[tuple[Dbfs, ...], Field(max_length=10_000_000)]


@dataclass(frozen=True)
class Conversation(Record):
    """Everything that is known of one recorded conversation; what is stored, and what reports are made of.

    `validation` is the result that the config named, whether or not it is of the model that judged this conversation.
    `words` are those of a transcript, without any in `bleeps`: stretches that are silenced wherever sound is given
    out; `omissions` are the places where such words were, `words_beyond` says how many lay after the recording's end.
    `corrections` are people's; turns and speakers are as corrected, after `ressenti.pipeline.run.derive`.
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
    omissions: Annotated[tuple[Omission, ...], Field(max_length=MOST_WORDS)] = ()
    corrections: Corrections = field(default_factory=Corrections)
    version: Literal[2] = 2
    program: Name = ""

    def __post_init__(self) -> None:
        labels = {speaker.label for speaker in self.speakers}
        unknown = {turn.speaker for turn in self.turns} - labels
        _check(not unknown, f"turns of unknown speakers {sorted(unknown)}; known are {sorted(labels)}")

    @property
    def id(self) -> str:
        """What tables call the conversation: `c-` and the first 16 hex digits of the SHA-256 of its recording.

        The same recording has the same id wherever it lies and however often it is analysed. Among a million
        recordings the chance that any two share one is 3 in 100 million; `recording.sha256` tells these apart too.
        Without its first letter, some ids would be numbers to readers of CSV.
        """
        return f"c-{self.recording.sha256[:16]}"

    def places(self) -> dict[int, tuple[float, float]]:
        """Valence and arousal of each turn that has points, by index: their mean, weighted by their speech."""
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

    def place_of(self, turn: Turn) -> tuple[float, float] | None:
        """Valence and arousal of a turn, None where it has none."""
        return self._places.get(turn.index)

    def speaker(self, label: str) -> Speaker:
        """The speaker with this label; KeyError where there is none."""
        for speaker in self.speakers:
            if speaker.label == label:
                return speaker
        raise KeyError(label)


def union_s(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans in seconds, sorted and joined where they touch or overlap."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined
