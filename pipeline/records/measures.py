"""Derived figures: points, trajectories, figures per speaker and conversation, moments.

Times are seconds from the start of the recording, levels are dBFS, valence and arousal lie in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Annotated, Literal

from pydantic import Field

from ressenti.pipeline.records.fields import (
    MOST_S,
    MOST_SEGMENTS,
    MOST_SPEAKERS,
    Count,
    Dbfs,
    Figure,
    Index,
    Kind,
    Label,
    Line,
    Name,
    Quarters,
    Record,
    Seconds,
    Share,
    Time,
    Unit,
    Values,
    check_span,
)


@dataclass(frozen=True)
class AffectPoint(Record):
    """Expected valence and arousal of one scored window, with the spread (standard deviation) of the class scores.

    `time_s` is the middle of the window, `duration_s` its length, `weight_s` the seconds of speech it stands for.
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
    """One speaker's smoothed valence and arousal on a time grid, with 95 % bands; None too far from speech."""

    speaker: Label
    points: Annotated[tuple[AffectPoint, ...], Field(max_length=MOST_SEGMENTS)]
    times_s: Annotated[tuple[Time, ...], Field(max_length=1_000_000)]
    valence: Line
    valence_low: Line
    valence_high: Line
    arousal: Line
    arousal_low: Line
    arousal_high: Line


def z_of_looks(looks: float) -> float:
    """Normal quantile for a two-sided 95 % test of the most extreme of `looks` values (Bonferroni)."""
    return NormalDist().inv_cdf(1 - 0.025 / looks)


@dataclass(frozen=True)
class Estimate(Record):
    """A mean with its 95 % interval and the standard deviation over windows."""

    mean: Annotated[float, Field(ge=-2, le=2)]
    low: Annotated[float, Field(ge=-2, le=2)]
    high: Annotated[float, Field(ge=-2, le=2)]
    sd: Annotated[float, Field(ge=0, le=10)] = 0.0

    def differs_from_zero(self, looks: int) -> bool:
        """Whether the mean differs from 0 at 95 % among `looks` means (Bonferroni); the interval is for one."""
        error = (self.high - self.low) / (2 * z_of_looks(1))
        return error > 0 and abs(self.mean) > z_of_looks(looks) * error


@dataclass(frozen=True)
class Talk(Record):
    """A speaker's participation: seconds, counts, and the median response latency."""

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

    `class_shares` follow `CLASSES`: shares of the judged time with a sure class; `unsure_share` is the rest. Quarters
    divide the time from the speaker's start to end; a change is the last quarter minus the first. Inertia (lag-1
    autocorrelation) and instability (MSSD, per median interval) are None with too few turns. `valence` and `arousal`
    are None if all scores are independent (sigmoid) and low.
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
class VoiceMatch(Record):
    """The known voice that a speaker sounds most like; `name` is empty if it is unknown: not like enough to be named.

    `score` is the likeness of both voices (cosine), `limit` what it has to reach for a name. `speech_s` is the speech
    that was heard of the speaker, `known` the number of voices that it was compared with.
    """

    name: Name
    score: Unit
    limit: Unit
    speech_s: Seconds
    known: Count


NotScored = Literal["restricted", "unconfirmed", "unknown_role", "not_asked", "announcement"]
"""Why a speaker's emotion is not computed."""


@dataclass(frozen=True)
class SpeakerFound(Record):
    """What the analysis said of a speaker before a person changed its role, or whether it is an announcement."""

    kind: Kind
    role: Name | None
    role_source: Literal["channel", "named", "guess"] | None
    not_scored: NotScored | None


@dataclass(frozen=True)
class Speaker(Record):
    """A speaker of the conversation. `role_source` is `channel`, `named` or `guess` (by order of first speech).

    `not_scored` says why emotion was not computed; None means that it was. `affect` is also None if nothing could be
    judged. `original_name` is the name before a person changed it, or None. `added` speakers were not found by the
    diarizer; a person added them by giving them a turn. `voice` is what known voices say, None if nobody asked; `name`
    comes from it if a person gave none. `kind` says whether it is a person or an announcement, which has no part in
    talk figures, roles, emotion or the number of people; `announced` is how sure an announcement is, `found` what the
    analysis said where a person's correction changed it.
    """

    label: Label
    name: Name
    role: Name | None = None
    role_source: Literal["channel", "named", "guess"] | None = None
    not_scored: NotScored | None = None
    talk: Talk | None = None
    affect: Affect | None = None
    original_name: Name | None = None
    added: bool = False
    voice: VoiceMatch | None = None
    kind: Kind = "person"
    announced: Share | None = None
    found: SpeakerFound | None = None

    @property
    def is_person(self) -> bool:
        """Whether it is a person, and no announcement."""
        return self.kind == "person"

    @property
    def named_by_voice(self) -> bool:
        """Whether its name is what known voices proposed, so that no person gave it."""
        return self.voice is not None and self.voice.name != "" and self.name == self.voice.name


@dataclass(frozen=True)
class Silence(Record):
    """A stretch in which nobody speaks."""

    start_s: Time
    end_s: Time

    def __post_init__(self) -> None:
        check_span(self.start_s, self.end_s)


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
        check_span(self.start_s, self.end_s)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class Exchange(Record):
    """Figures of the conversation as a whole; silences are those longer than the configured limit.

    `holds` are spans without talk in which music or tones play; silences leave them out. `monologues` are each
    speaker's longest, from `turn_taking.monologues_of`; empty in results of older versions.
    """

    speech_s: Time
    overlap_s: Seconds
    non_talk_s: Time
    silences: Annotated[tuple[Silence, ...], Field(max_length=MOST_SEGMENTS)]
    interruptions: Annotated[tuple[Interruption, ...], Field(max_length=MOST_SEGMENTS)]
    monologues: Annotated[tuple[Monologue, ...], Field(max_length=MOST_SPEAKERS)] = ()
    holds: Annotated[tuple[Silence, ...], Field(max_length=MOST_SEGMENTS)] = ()


@dataclass(frozen=True)
class Moment(Record):
    """A stretch worth listening to. `certain` is False if it may be chance; `values` are its figures.

    `tension`: a peak of a speaker's smoothed Tension score (tension, low, high, and usual: the overall mean).
    `valence`, `arousal`: where a trajectory changes most (change, from, to, z: change over its standard error).
    In these, `by_person` is the share of the weight from classes given by a person.
    `silence`, `monologue`: the longest (seconds). `interruption`: of whom and how long (of, overlap_s).
    `laughter`, `crying`: how sure it is (confidence).
    `activated`: where a speaker sounds most activated against their own level (activation, low, high: in SD).
    `contrast`: a turn whose words say otherwise than the voice sounds (voice: a class, confidence, words: negative or
    positive, share: their probability).
    """

    kind: Literal[
        "tension",
        "valence",
        "arousal",
        "activated",
        "silence",
        "monologue",
        "interruption",
        "laughter",
        "crying",
        "contrast",
    ]
    start_s: Time
    end_s: Time
    speaker: Label | None = None
    certain: bool = True
    values: Values = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_span(self.start_s, self.end_s)
