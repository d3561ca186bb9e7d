"""The frozen records that the steps hand on to one another, from a recording to a conversation.

Times are seconds from the start of the recording, levels are dBFS, valence and arousal lie in [-1, 1].
What `derive` in `pipeline.run` computes from the measured part is marked as derived; it can be made again at any time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from pipeline.annotations import Corrections, Omission, Span, Word

CLASSES = ("Pleased", "Relaxed", "Neutral", "Sad", "Tension")
SCHEMA_VERSION = 1

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
class Note:
    """Something that the reader must know, as a key that the page has words for and the values to fill in.

    The page's words for it are under `note_KEY` in the locales.
    """

    key: NoteKey
    values: dict[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recording:
    """What is known of the file itself; `sample_rate_hz` is the file's own, before resampling."""

    name: str
    sha256: str
    duration_s: float
    channels: int
    sample_rate_hz: int
    codec: str
    notes: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        _check(self.duration_s > 0, f"expected duration_s > 0, got {self.duration_s}")
        _check(self.channels > 0, f"expected at least 1 channel, got {self.channels}")


@dataclass(frozen=True)
class Segment:
    """A stretch of uninterrupted speech of one speaker, as a diarizer finds it."""

    start_s: float
    end_s: float
    speaker: str

    def __post_init__(self) -> None:
        _check_span(self.start_s, self.end_s)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class ModelInfo:
    """One model that took part: what it did, who it is, and what its licence allows.

    `sha256` is what `sha256sum` prints of the file that makes the model: an emotion model's weights, the `config.yaml`
    of a pipeline, whose networks are models of their own. Where there are several (shards; a pipeline's PLDA), it is
    the SHA-256 of the lines that `sha256sum` prints of them, sorted by name. `licence` is None where nobody has said
    it, `commercial` None where it is not known whether commercial use is allowed. `notes` say how it was used, of an
    emotion model: head, number format, activation, and labels, each with its class; `cannot` are the classes that an
    emotion model never gives.
    """

    task: Literal["speech activity", "speaker embedding", "diarization", "voice encoder", "emotion"]
    name: str
    licence: str | None
    sha256: str | None = None
    commercial: bool | None = None
    notes: tuple[Note, ...] = ()
    cannot: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check(
            self.licence is not None or self.commercial is None,
            f"{self.name}: expected commercial None where no licence is known, got {self.commercial}",
        )


@dataclass(frozen=True)
class ClassFigure:
    """F1 of one class, None where nobody heard it; `support` is how many labels say so, of several raters in parts."""

    name: Literal["Pleased", "Relaxed", "Neutral", "Sad", "Tension"]
    f1: float | None
    support: float


@dataclass(frozen=True)
class Validation:
    """How an emotion model did on turns of one's own recordings that people labelled blindly.

    `ressenti evaluate label` makes it; `pipeline.evaluation.agreement` says how. `turns` are those with a class by
    somebody, out of `drawn`; `abstentions` are answers that nothing can be told. `right` is the share of turns on which
    the model's class is the people's, `right_sure` among the `sure_turns` alone. `macro_f1_low` and `macro_f1_high` are
    a 95 % interval over speakers, None with fewer than four. Alphas (Krippendorff) are None where not defined, as
    with one rater; so are the concordances with the raters' valence and arousal.
    """

    model: str
    model_sha256: str | None
    recordings: int
    speakers: int
    turns: int
    drawn: int
    raters: int
    abstentions: int
    seed: int
    alpha_class: float | None
    alpha_valence: float | None
    alpha_arousal: float | None
    macro_f1: float
    macro_f1_low: float | None
    macro_f1_high: float | None
    classes: tuple[ClassFigure, ...]
    right: float
    right_sure: float | None
    sure_turns: int
    concordance_valence: float | None
    concordance_arousal: float | None

    def __post_init__(self) -> None:
        _check(self.turns > 0 and self.raters > 0, f"expected turns and raters, got {self.turns} and {self.raters}")
        _check(0 <= self.macro_f1 <= 1, f"expected macro_f1 in [0, 1], got {self.macro_f1}")

    def is_of(self, models: Sequence[ModelInfo]) -> bool:
        """Whether the emotion model among these is the one that was validated, by name and hash."""
        return any(m.task == "emotion" and (m.name, m.sha256) == (self.model, self.model_sha256) for m in models)


@dataclass(frozen=True)
class Diarization:
    """Who spoke when, how the number of speakers came about, and a voice embedding per speaker where there is one.

    `count` is `given` (asked for), `channels` (one per channel) or `estimated`; an estimate of several speakers, or
    from little speech, is not reliable and has `count_confidence` low. A diarizer that hears one speaker at a time
    finds no overlap and so no interruptions: `hears_overlap` is False then. One that can also tell who of them leads
    where several speak gives that as `exclusive`, segments of which no two overlap: these cut the turns.
    """

    segments: tuple[Segment, ...]
    count: Literal["given", "channels", "estimated"]
    count_confidence: Literal["high", "low"]
    models: tuple[ModelInfo, ...]
    hears_overlap: bool
    embeddings: tuple[tuple[str, tuple[float, ...]], ...] = ()
    notes: tuple[Note, ...] = ()
    exclusive: tuple[Segment, ...] = ()

    @property
    def speakers(self) -> tuple[str, ...]:
        """Labels in order of first speech."""
        return tuple(dict.fromkeys(segment.speaker for segment in sorted(self.segments, key=lambda s: s.start_s)))


@dataclass(frozen=True)
class EmotionScores:
    """Scores of the five classes, in the order of `CLASSES`, as the model's activation gave them.

    `softmax` scores sum to 1; `sigmoid` scores are each in [0, 1] on their own; `human` ones are 1 for the class that a
    person heard. `valence` and `arousal` are the
    model's own direct estimates, where it makes them. A `regression` makes these alone: its scores are made of them,
    by nearness to the anchors, and sum to 1. `reached` are the classes of a turn that reached the confidence that was
    asked for, highest first (derived); None where that was not looked at, as of a window.
    """

    scores: Annotated[tuple[float, ...], Field(min_length=5, max_length=5)]
    activation: Literal["softmax", "sigmoid", "regression", "human"] = "softmax"
    valence: float | None = None
    arousal: float | None = None
    reached: tuple[str, ...] | None = None

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
class Window:
    """A scored stretch of a turn: a whole short turn, or a piece of a long one.

    Windows of a long turn overlap; `weight_s` is how many seconds of speech each stands for, and they add up.
    """

    start_s: float
    end_s: float
    weight_s: float
    emotion: EmotionScores

    def __post_init__(self) -> None:
        _check_span(self.start_s, self.end_s)


@dataclass(frozen=True)
class Original:
    """What the models said of a turn that a person corrected; `reached` as in `EmotionScores`, of their mean."""

    speaker: str
    windows: tuple[Window, ...] = ()
    unjudged: Unjudged | None = None
    reached: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Turn:
    """A speaker's turn: segments joined across short pauses, with what was heard in it.

    `overlap_s` is how much of it somebody else speaks too. `windows` are what the emotion model scored; where there
    are none, `unjudged` says why. `emotion` is the duration-weighted mean of the windows (derived). Where a person
    corrected it, it is as corrected, `original` is the models' answer, and `note` is what the person wrote.
    """

    index: int
    speaker: str
    start_s: float
    end_s: float
    overlap_s: float = 0.0
    loudness_dbfs: float | None = None
    windows: tuple[Window, ...] = ()
    unjudged: Unjudged | None = None
    emotion: EmotionScores | None = None
    unsure: bool = False
    original: Original | None = None
    note: str = ""

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
class AffectPoint:
    """Expected valence and arousal of one scored window, with the spread (standard deviation) of the class scores.

    `time_s` is the middle of the window, `duration_s` its length, `weight_s` the seconds of speech that it stands for.
    """

    time_s: float
    duration_s: float
    weight_s: float
    valence: float
    arousal: float
    valence_sd: float
    arousal_sd: float
    turn: int


@dataclass(frozen=True)
class Trajectory:
    """One speaker's smoothed valence and arousal on a grid of times, with 95 % bands; None where speech is too far."""

    speaker: str
    points: tuple[AffectPoint, ...]
    times_s: tuple[float, ...]
    valence: tuple[float | None, ...]
    valence_low: tuple[float | None, ...]
    valence_high: tuple[float | None, ...]
    arousal: tuple[float | None, ...]
    arousal_low: tuple[float | None, ...]
    arousal_high: tuple[float | None, ...]


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval and the standard deviation over windows."""

    mean: float
    low: float
    high: float
    sd: float = 0.0


@dataclass(frozen=True)
class Talk:
    """How a speaker took part: seconds, counts, and the median gap before answering."""

    talk_s: float
    share: float
    turns: int
    longest_monologue_s: float
    interruptions: int
    backchannels: int
    response_latency_s: float | None
    loudness_dbfs: float | None


@dataclass(frozen=True)
class Affect:
    """How a speaker sounded: all judged turns, weighted by their length.

    `class_shares` follow `CLASSES` and are shares of the judged time in which it was the class, and
    sure; `unsure_share` is the rest. Quarters are of the speaker's own stretch of the conversation; a change is the
    last quarter less the first. Inertia (lag-1 autocorrelation) and instability (MSSD, per median interval) are None
    below the number of turns that they need.
    `valence` and `arousal` are None where no scores say anything of them: independent ones that are all low.
    """

    judged_s: float
    judged_turns: int
    unsure_turns: int
    class_shares: tuple[float, ...]
    unsure_share: float
    valence: Estimate | None
    arousal: Estimate | None
    valence_quarters: tuple[float | None, ...]
    arousal_quarters: tuple[float | None, ...]
    valence_change: Estimate | None = None
    arousal_change: Estimate | None = None
    valence_inertia: float | None = None
    arousal_inertia: float | None = None
    valence_instability: float | None = None
    arousal_instability: float | None = None


@dataclass(frozen=True)
class Speaker:
    """A speaker of the conversation. `role_source` is `channel`, `named` or `guess` (by order of first speech).

    `not_scored` says why emotion was not computed; None means that it was. `affect` is None too when nothing
    could be judged. `original_name` is what a speaker was called before a person renamed them, None where nobody did;
    `added` ones were not found by the diarizer, but by a person who gave them a turn.
    """

    label: str
    name: str
    role: str | None = None
    role_source: Literal["channel", "named", "guess"] | None = None
    not_scored: Literal["restricted", "unconfirmed", "unknown_role", "not_asked"] | None = None
    talk: Talk | None = None
    affect: Affect | None = None
    original_name: str | None = None
    added: bool = False


@dataclass(frozen=True)
class Silence:
    """A stretch in which nobody speaks."""

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        _check_span(self.start_s, self.end_s)


@dataclass(frozen=True)
class Interruption:
    """A turn that begins while another speaker talks, overlaps for long enough, and takes the floor."""

    time_s: float
    by: str
    of: str
    overlap_s: float


@dataclass(frozen=True)
class Monologue:
    """A stretch in which one speaker holds the floor."""

    start_s: float
    end_s: float
    speaker: str

    def __post_init__(self) -> None:
        _check_span(self.start_s, self.end_s)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class Exchange:
    """Figures of the conversation as a whole; silences are those longer than the configured limit.

    `monologues` are each speaker's longest, by `pipeline.dynamics.monologues_of`; none where an older version analysed.
    """

    speech_s: float
    overlap_s: float
    non_talk_s: float
    silences: tuple[Silence, ...]
    interruptions: tuple[Interruption, ...]
    monologues: tuple[Monologue, ...] = ()


@dataclass(frozen=True)
class Moment:
    """A stretch worth listening to. `certain` is False where it may well be chance; `values` are the figures behind it.

    `tension`: a peak of a speaker's smoothed Tension score (tension, low, high, and usual: over the whole).
    `valence`, `arousal`: where a trajectory changes most (change, from, to, z: change over its standard error).
    Of these `by_person` is the share of their weight that comes from classes which a person gave.
    `silence`, `monologue`: the longest (seconds). `interruption`: of whom, for how long (of, overlap_s).
    """

    kind: Literal["tension", "valence", "arousal", "silence", "monologue", "interruption"]
    start_s: float
    end_s: float
    speaker: str | None = None
    certain: bool = True
    values: dict[str, float | int | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_span(self.start_s, self.end_s)


@dataclass(frozen=True)
class Levels:
    """How loud the recording is over time: the highest level (dBFS) in each `step_s` seconds."""

    step_s: float
    dbfs: tuple[float, ...]


@dataclass(frozen=True)
class Conversation:
    """Everything that is known of one recorded conversation; what is stored, and what reports are made of.

    `validation` is the result that the config named, whether or not it is of the model that judged this conversation.
    `words` are those of a transcript, without any in `bleeps`: stretches that are silenced wherever sound is given
    out; `omissions` are the places where such words were. `corrections` are people's; turns and speakers are as
    corrected, after `pipeline.run.derive`.
    """

    recording: Recording
    layout: Literal["mono", "split"]
    layout_reason: Note
    diarization: Diarization
    speakers: tuple[Speaker, ...]
    turns: tuple[Turn, ...]
    models: tuple[ModelInfo, ...]
    config: dict[str, object]
    allow_restricted: str | None = None
    trajectories: tuple[Trajectory, ...] = ()
    exchange: Exchange | None = None
    moments: tuple[Moment, ...] = ()
    validation: Validation | None = None
    levels: Levels | None = None
    words: tuple[Word, ...] = ()
    bleeps: tuple[Span, ...] = ()
    omissions: tuple[Omission, ...] = ()
    corrections: Corrections = field(default_factory=Corrections)
    version: Literal[1] = 1
    program: str = ""

    def __post_init__(self) -> None:
        labels = {speaker.label for speaker in self.speakers}
        unknown = {turn.speaker for turn in self.turns} - labels
        _check(not unknown, f"turns of unknown speakers {sorted(unknown)}; known are {sorted(labels)}")

    def places(self) -> dict[int, tuple[float, float]]:
        """Valence and arousal of each turn that has points, by index: their mean, weighted by their speech."""
        sums: dict[int, list[float]] = {}
        for line in self.trajectories:
            for p in line.points:
                own = sums.setdefault(p.turn, [0.0, 0.0, 0.0])
                for k, value in enumerate((p.weight_s, p.weight_s * p.valence, p.weight_s * p.arousal)):
                    own[k] += value
        return {turn: (valence / weight, arousal / weight) for turn, (weight, valence, arousal) in sums.items()}

    def place_of(self, turn: Turn) -> tuple[float, float] | None:
        """Valence and arousal of a turn, None where it has none; `places` is faster for all of them."""
        return self.places().get(turn.index)

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
