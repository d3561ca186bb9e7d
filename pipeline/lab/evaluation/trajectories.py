"""Compares an analysed conversation with its truth: trajectories, the tensest minute, seconds by class (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.affect.trajectory import make_trajectory
from ressenti.pipeline.config import Config
from ressenti.pipeline.lab.evaluation import metrics
from ressenti.pipeline.lab.evaluation.metrics import FloatArray, IntArray, Interval
from ressenti.pipeline.lab.labelled_speech.truth import TruthSegment
from ressenti.pipeline.records import CLASSES, AffectPoint, Conversation, Trajectory

OTHER = -2
_FRAME_S = 0.1
_MINUTE_S, _STEP_S = 60.0, 5.0
_SAME_S = 30.0  # a minute that shares at least half with the true one is found


@dataclass(frozen=True)
class Course:
    """One speaker's true and estimated trajectory, valence and arousal (n, 2) each, at times with an estimate.

    `covered` is the share of the true trajectory that has an estimate.
    """

    speaker: str
    true: FloatArray
    estimate: FloatArray
    covered: float


@dataclass(frozen=True)
class TenseMinute:
    """Whether the tensest minute was found, the probability by chance, and the share of its tension recovered."""

    found: bool
    chance: float
    recovered: float


@dataclass(frozen=True)
class Observation:
    """Comparison of one conversation with its truth.

    `truth`, `guess` and `unsure` (n,) cover frames of 0.1 s with one speaker only: the true class (-1 if unknown,
    `OTHER` for an emotion without a class), the highest class of the speaker's turn (-1 if not judged), and whether
    that was unsure; `who` (n,) is the speaker's index in `speakers`.
    """

    courses: tuple[Course, ...]
    minute: TenseMinute | None
    truth: IntArray
    guess: IntArray
    unsure: npt.NDArray[np.bool_]
    who: IntArray
    speakers: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """Figures over several conversations.

    CCC pools all times of all speakers. 95 % intervals are over `people`, the different speakers with known emotions,
    since the same few speak in many conversations; with fewer than eight they are still too narrow. `within` is the
    median correlation over time of the speakers in each conversation. F1 and confusion count seconds, unsure turns by
    their highest class; `judged` is the share of labelled seconds that were judged. `unlabelled` are the shares of the
    classes, and of unsure, in speech without a label.
    """

    conversations: int
    people: int
    covered: float | None
    arousal_ccc: float | None
    arousal_ccc_interval: Interval | None
    valence_ccc: float | None
    valence_ccc_interval: Interval | None
    arousal_within: float | None
    valence_within: float | None
    minutes: int
    minutes_found: int
    minutes_by_chance: float | None
    minutes_recovered: float | None
    f1: tuple[float, ...]
    support_s: tuple[float, ...]
    macro_f1: float | None
    macro_f1_interval: Interval | None
    confusion_s: tuple[tuple[float, ...], ...]
    judged: float | None
    unsure: float | None
    unlabelled: tuple[float, ...] | None


def observe(
    conversation: Conversation, truth: Sequence[TruthSegment], names: dict[str, str], config: Config
) -> Observation:
    """Compare a conversation with its truth; `names` maps each true speaker who was found to the found label."""
    courses = courses_of(conversation, truth, names, config)
    return Observation(courses, tense_minute(conversation, truth), *_frames(conversation, truth, names))


def courses_of(
    conversation: Conversation, truth: Sequence[TruthSegment], names: dict[str, str], config: Config
) -> tuple[Course, ...]:
    """Each speaker's true trajectory, smoothed as in the product, and the estimate at the same times."""
    found = {t.speaker: t for t in conversation.trajectories}
    out = []
    for speaker in sorted({s.speaker for s in truth}):
        points = [p for s in truth if s.speaker == speaker and (p := _point(s)) is not None]
        if not points:
            continue
        true = make_trajectory(speaker, points, config.trajectory)
        times, values = _line(true)
        estimate = _at(found.get(names.get(speaker, "")), times)
        there = ~np.isnan(estimate).any(axis=1)
        out.append(Course(speaker, values[there], estimate[there], float(there.mean())))
    return tuple(out)


def tense_minute(conversation: Conversation, truth: Sequence[TruthSegment]) -> TenseMinute | None:
    """Compare the tensest minute over all speakers; None if nothing is tense or the recording is under two minutes."""
    length_s = conversation.recording.duration_s
    tension = CLASSES.index("Tension")
    spans = [(s.start_s, s.end_s, float(s.label == "Tension")) for s in truth if s.label]
    scored = [(w, w.emotion.scores) for t in conversation.turns for w in t.windows if w.emotion]
    heard = [(w.start_s, w.start_s + w.weight_s, scores[tension]) for w, scores in scored]
    starts, true = tension_by_minute(spans, length_s)
    if length_s < 2 * _MINUTE_S or true.max() <= 0:
        return None
    _, estimate = tension_by_minute(heard, length_s)
    best, chosen = int(true.argmax()), int(estimate.argmax())
    near = np.abs(starts - starts[best]) <= _SAME_S
    return TenseMinute(bool(near[chosen]), float(near.mean()), float(true[chosen] / true[best]))


def tension_by_minute(spans: Sequence[tuple[float, float, float]], length_s: float) -> tuple[FloatArray, FloatArray]:
    """Starts of minutes, five seconds apart, and seconds of tension in each; spans are (start_s, end_s, weight)."""
    starts = np.arange(0, max(_STEP_S, length_s - _MINUTE_S + _STEP_S), _STEP_S)
    total = np.zeros(len(starts))
    for start, end, weight in spans:
        shared = np.minimum(end, starts + _MINUTE_S) - np.maximum(start, starts)
        total += np.maximum(0, shared) * weight
    return starts, total


def summarise(observations: Sequence[Observation]) -> Summary:
    """Figures over several conversations; None for figures without data."""
    courses = [course for o in observations for course in o.courses]
    minutes = [o.minute for o in observations if o.minute is not None]
    judged = [o.truth[_judged(o)] for o in observations]
    matrices = [metrics.confusion(t, o.guess[_judged(o)]) for t, o in zip(judged, observations, strict=True)]
    matrix = np.sum(matrices, axis=0) * _FRAME_S
    labelled_s = sum(float((o.truth >= 0).sum()) for o in observations) * _FRAME_S
    doubted_s = sum(float(o.unsure[_judged(o)].sum()) for o in observations) * _FRAME_S
    (valence, valence_interval), (arousal, arousal_interval) = (_concordance(observations, axis) for axis in (0, 1))
    return Summary(
        conversations=len(observations),
        people=len({c.speaker for c in courses}),
        covered=_mean([c.covered for c in courses]),
        arousal_ccc=arousal,
        arousal_ccc_interval=arousal_interval,
        valence_ccc=valence,
        valence_ccc_interval=valence_interval,
        arousal_within=_within(courses, 1),
        valence_within=_within(courses, 0),
        minutes=len(minutes),
        minutes_found=sum(m.found for m in minutes),
        minutes_by_chance=_mean([m.chance for m in minutes]),
        minutes_recovered=_mean([m.recovered for m in minutes]),
        f1=tuple(metrics.f1_scores(matrix).tolist()),
        support_s=tuple(matrix.sum(axis=1).tolist()),
        macro_f1=_known(metrics.macro_f1(matrix)),
        macro_f1_interval=_macro_interval(observations),
        confusion_s=tuple(tuple(row) for row in matrix.tolist()),
        judged=float(matrix.sum() / labelled_s) if labelled_s else None,
        unsure=float(doubted_s / matrix.sum()) if matrix.sum() else None,
        unlabelled=_unlabelled(observations),
    )


def _judged(o: Observation) -> npt.NDArray[np.bool_]:
    return (o.truth >= 0) & (o.guess >= 0)


def _concordance(observations: Sequence[Observation], axis: int) -> tuple[float | None, Interval | None]:
    """CCC of an axis over all times of all speakers, with its interval over people."""
    courses = [course for o in observations for course in o.courses]
    if not courses:
        return None, None
    true = np.concatenate([c.true[:, axis] for c in courses])
    estimate = np.concatenate([c.estimate[:, axis] for c in courses])
    groups = [c.speaker for c in courses for _ in range(len(c.true))]
    interval = metrics.bootstrap(groups, lambda rows: metrics.concordance(true[rows], estimate[rows]))
    return _known(metrics.concordance(true, estimate)), interval


def _macro_interval(observations: Sequence[Observation]) -> Interval | None:
    """Interval of the macro F1 over people with labels."""
    matrices: dict[str, FloatArray] = {}
    for o in observations:
        for k, name in enumerate(o.speakers):
            rows = _judged(o) & (o.who == k)
            if rows.any():
                matrices[name] = matrices.get(name, 0.0) + metrics.confusion(o.truth[rows], o.guess[rows])
    people = list(matrices)

    def figure(rows: IntArray) -> float:
        return metrics.macro_f1(np.sum([matrices[people[i]] for i in rows], axis=0))

    return metrics.bootstrap(people, figure)


def _unlabelled(observations: Sequence[Observation]) -> tuple[float, ...] | None:
    """Shares of the sure classes and of unsure in speech without a label."""
    called = np.zeros(len(CLASSES) + 1)
    for o in observations:
        rows = (o.truth == -1) & (o.guess >= 0)
        names = np.where(o.unsure[rows], len(CLASSES), o.guess[rows])
        called += np.bincount(names, minlength=len(called))
    return tuple((called / called.sum()).tolist()) if called.sum() else None


def _within(courses: Sequence[Course], axis: int) -> float | None:
    """Median over speakers of the correlation over time, if both vary."""
    found = [metrics.correlation(c.true[:, axis], c.estimate[:, axis]) for c in courses]
    kept = [value for value in found if not np.isnan(value)]
    return float(np.median(kept)) if kept else None


def _frames(
    conversation: Conversation, truth: Sequence[TruthSegment], names: dict[str, str]
) -> tuple[IntArray, IntArray, npt.NDArray[np.bool_], IntArray, tuple[str, ...]]:
    """True class, found class, unsure and speaker of each frame with one speaker only; and the speakers."""
    count = int(np.ceil(conversation.recording.duration_s / _FRAME_S)) + 1
    talking = np.zeros(count, dtype=int)
    label = np.full(count, -1)
    speaker = np.full(count, -1)
    labels = sorted({s.speaker for s in truth})
    for s in truth:
        part = _part(s.start_s, s.end_s)
        talking[part] += 1
        label[part] = CLASSES.index(s.label) if s.label else -1 if s.valence is None else OTHER
        speaker[part] = labels.index(s.speaker)
    guess, unsure = np.full(count, -1), np.zeros(count, dtype=bool)
    for turn in conversation.turns:
        owner = [k for k, name in enumerate(labels) if names.get(name) == turn.speaker]
        if turn.emotion is None or not owner:
            continue
        own = np.zeros(count, dtype=bool)
        own[_part(turn.start_s, turn.end_s)] = True
        own &= speaker == owner[0]
        guess[own], unsure[own] = CLASSES.index(turn.emotion.top), turn.unsure
    alone = talking == 1
    columns = (label[alone].astype(np.int64), guess[alone].astype(np.int64), unsure[alone])
    return *columns, speaker[alone].astype(np.int64), tuple(labels)


def _part(start_s: float, end_s: float) -> slice:
    """Frames whose centre lies between two times."""
    return slice(int(np.ceil(start_s / _FRAME_S - 0.5)), int(np.ceil(end_s / _FRAME_S - 0.5)))


def _point(s: TruthSegment) -> AffectPoint | None:
    """A true segment as a point without error; None if its valence or arousal is unknown."""
    if s.valence is None or s.arousal is None:
        return None
    middle_s = (s.start_s + s.end_s) / 2
    return AffectPoint(middle_s, s.duration_s, s.duration_s, s.valence, s.arousal, 0.0, 0.0, 0)


def _line(trajectory: Trajectory) -> tuple[FloatArray, FloatArray]:
    """Times (n,), and valence and arousal (n, 2), where the trajectory has values."""
    rows = [
        (t, v, a)
        for t, v, a in zip(trajectory.times_s, trajectory.valence, trajectory.arousal, strict=True)
        if v is not None and a is not None
    ]
    table = np.array(rows).reshape(-1, 3)
    return table[:, 0], table[:, 1:]


def _at(trajectory: Trajectory | None, times: FloatArray) -> FloatArray:
    """A trajectory (n, 2) interpolated at other times; NaN if it has no estimate within one step."""
    out = np.full((len(times), 2), np.nan)
    if trajectory is None or not trajectory.times_s:
        return out
    at, values = _line(trajectory)
    if not len(at):
        return out
    step_s = trajectory.times_s[1] - trajectory.times_s[0] if len(trajectory.times_s) > 1 else 1.0
    near = np.abs(times[:, None] - at[None, :]).min(axis=1) <= step_s
    for axis in (0, 1):
        out[near, axis] = np.interp(times[near], at, values[:, axis])
    return out


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
