"""Find the moments worth listening to, and decide which are certain (pure)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np

from ressenti.pipeline.affect.stats import Z_95, Array, TooManyPairsError, smoothed, weighted_error
from ressenti.pipeline.config import MomentOptions, TrajectoryOptions
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.records import (
    CLASSES,
    Exchange,
    Moment,
    Polarity,
    Sound,
    Trajectory,
    Turn,
    Window,
    z_of_looks,
)

LIKELY = 0.5  # probability from which laughing or crying is told as certain
_TENSION = CLASSES.index("Tension")
_AGAINST: dict[str, Polarity] = {  # what words say that contradict a voice of this class
    "Pleased": "negative",
    "Relaxed": "negative",
    "Sad": "positive",
    "Tension": "positive",
}


def moments_of(
    turns: Sequence[Turn],
    trajectories: Sequence[Trajectory],
    exchange: Exchange,
    smoothing: TrajectoryOptions,
    options: MomentOptions,
    sounds: Sequence[Sound] = (),
    unsure_words: float = 0.6,
) -> tuple[Moment, ...]:
    """Find the moments: tension, activation, changes, silence, monologue, interruptions, laughter, crying, contrasts.

    They are in time order; `sounds` are those of speakers whose emotion may be computed. Words whose sentiment has a
    probability below `unsure_words` contradict no voice.

    The most extreme of many stretches would often stand out by chance. So a peak or change is `certain` only if it is
    significant at 95 % after a Bonferroni correction for twice the number of separate stretches, speakers and axes.
    """
    found: list[Moment] = []
    lines = max(1, len(trajectories))
    turns_of: dict[str, list[Turn]] = {}
    for turn in turns:
        turns_of.setdefault(turn.speaker, []).append(turn)
    voices = sum(any(turn.activation is not None for turn in own) for own in turns_of.values())
    for speaker, speaker_turns in turns_of.items():
        found += _tension_peaks(speaker_turns, speaker, lines, smoothing, options)
        found += _most_activated(speaker_turns, speaker, max(lines, voices), smoothing, options)
    people = frozenset(t.index for t in turns if t.by_person)
    changes = [
        _steepest(line, axis, 2 * lines, smoothing, people, options.least_change)
        for line in trajectories
        for axis in ("valence", "arousal")
    ]
    steep = sorted((m for m in changes if m is not None), key=lambda m: (not m.certain, -abs(float(m.values["z"]))))
    found += [m for m in steep if m.certain][: options.changes] or steep[: min(1, options.changes)]
    longest = sorted(exchange.silences, key=lambda s: s.start_s - s.end_s)[:1]
    found += [_of_silence(s.start_s, s.end_s) for s in longest if len(turns_of) > 1]  # with one voice, others may speak
    found += _longest_monologue(exchange, options)
    loudest = sorted(exchange.interruptions, key=lambda i: -i.overlap_s)[: options.interruptions]
    found += [
        Moment("interruption", i.time_s, i.time_s + i.overlap_s, i.by, values={"of": i.of, "overlap_s": i.overlap_s})
        for i in loudest
    ]
    for kind in ("laughter", "crying"):
        heard = sorted((s for s in sounds if s.kind == kind), key=lambda s: -s.confidence)[: options.sounds]
        found += [
            Moment(kind, s.start_s, s.end_s, s.speaker, s.confidence >= LIKELY, {"confidence": s.confidence})
            for s in heard
        ]
    found += _contrasts(turns, unsure_words)[: options.contrasts]
    return tuple(sorted(found, key=lambda m: (m.start_s, m.kind)))


def _contrasts(turns: Sequence[Turn], unsure_words: float) -> list[Moment]:
    """Turns whose words are negative in a pleasant voice or positive in an unpleasant one, the surest first.

    Whoever speaks so may be joking, polite or bitter; or a model is wrong, so that only a class set by a person makes
    it certain.
    """
    found = []
    for turn in turns:
        words, voice = turn.sentiment, turn.emotion
        against = _AGAINST.get(voice.top) if words and voice and not turn.unsure else None
        if words is None or voice is None or against != words.top or words.share(against) < unsure_words:
            continue
        values: dict[str, float | int | str] = {
            "voice": voice.top,
            "confidence": voice.confidence,
            "words": against,
            "share": words.share(against),
            "by_person": float(turn.by_person),
        }
        found.append(Moment("contrast", turn.start_s, turn.end_s, turn.speaker, turn.by_person, values))
    return sorted(found, key=lambda m: -float(m.values["confidence"]) * float(m.values["share"]))


def _tension_peaks(
    turns: Sequence[Turn], speaker: str, lines: int, smoothing: TrajectoryOptions, options: MomentOptions
) -> list[Moment]:
    """A speaker's highest local maxima of the Tension score, smoothed like trajectories."""
    scored = [(w, w.emotion.scores) for t in turns for w in t.windows if w.emotion is not None]
    windows = [(w, scores[_TENSION] / max(1.0, sum(scores))) for w, scores in scored]
    spreads = [sqrt(score * (1 - score)) for _, score in windows]
    found = _peaks(windows, spreads, lines, smoothing, options.apart_s, (options.peaks, options.rise))
    return [
        Moment(
            "tension",
            peak.start_s,
            peak.end_s,
            speaker,
            peak.sure,
            {
                "tension": peak.value,
                "usual": peak.usual,
                "low": max(0.0, peak.low),
                "high": min(1.0, peak.high),
                "by_person": peak.by_person,
            },
        )
        for peak in found
    ]


def _most_activated(
    turns: Sequence[Turn], speaker: str, lines: int, smoothing: TrajectoryOptions, options: MomentOptions
) -> list[Moment]:
    """Where a speaker sounds most activated against their own level, smoothed like trajectories.

    A single window may be off by half of what the speaker's windows differ by; differences of near ones come on top.
    """
    windows = [(w, w.activation) for t in turns for w in t.windows if w.activation is not None]
    spread = float(np.std([value for _, value in windows])) / 2 if windows else 0.0
    limits = (options.activated, options.activated_sd)
    found = _peaks(windows, [spread] * len(windows), lines, smoothing, options.apart_s, limits)
    return [
        Moment(
            "activated",
            peak.start_s,
            peak.end_s,
            speaker,
            peak.sure,
            {"activation": peak.value - peak.usual, "low": peak.low - peak.usual, "high": peak.high - peak.usual},
        )
        for peak in found
    ]


@dataclass(frozen=True)
class _Peak:
    """A local maximum of smoothed values of windows, with the mean of all of them (`usual`) and its 95 % interval."""

    start_s: float
    end_s: float
    value: float
    low: float
    high: float
    usual: float
    sure: bool
    by_person: float


def _peaks(
    windows: Sequence[tuple[Window, float]],
    spreads: Sequence[float],
    lines: int,
    smoothing: TrajectoryOptions,
    apart_s: float,
    limits: tuple[int, float],
) -> list[_Peak]:
    """The highest local maxima of values of windows: as many as `limits` say, and at least so far above the mean."""
    if len(windows) < 3:
        return []
    order = sorted(range(len(windows)), key=lambda k: windows[k][0].start_s + windows[k][0].end_s)
    own = [windows[k][0] for k in order]
    values, spread = np.array([windows[k][1] for k in order]), np.array([spreads[k] for k in order])
    human = np.array([w.by_person for w in own], dtype=np.float64)
    at = np.array([(w.start_s + w.end_s) / 2 for w in own])
    seconds = np.array([w.weight_s for w in own])
    shared = np.maximum(1.0, np.array([w.end_s - w.start_s for w in own]) / seconds)
    smooth, error, by_person = np.zeros((3, len(at)))

    def figures(which: slice, weights: Array, near: slice) -> None:
        smooth[which], error[which] = weighted_error(weights, values[near], spread[near], shared[near])
        by_person[which] = weights @ human[near]

    try:
        smoothed(at, at, seconds, smoothing.smoothing_s, figures)
    except TooManyPairsError as exc:
        raise ConfigError(f"trajectory.smoothing_s: {exc}. Choose a smaller value.") from exc
    share = seconds / seconds.sum()
    (usual,), (usual_error,) = weighted_error(share[None], values, spread, shared)
    limit = _many_looks(float(at.max() - at.min()), lines, smoothing)
    first, last = min(w.start_s for w in own), max(w.end_s for w in own)
    most, rise = limits
    out: list[_Peak] = []
    highest = _highest_near(at, smooth, apart_s)
    for k in sorted(range(len(smooth)), key=lambda k: -smooth[k]):
        time = float(at[k])
        if len(out) == most or smooth[k] < usual + rise:
            break
        near = any(abs(time - (m.start_s + m.end_s) / 2) < apart_s for m in out)
        if near or smooth[k] < highest[k]:
            continue  # a peak already found, or the slope of a higher one
        start, end = max(first, time - smoothing.smoothing_s), min(last, time + smoothing.smoothing_s)
        value, away = float(smooth[k]), Z_95 * float(error[k])
        sure = bool(smooth[k] - usual > limit * np.hypot(error[k], usual_error))
        out.append(_Peak(start, end, value, value - away, value + away, float(usual), sure, float(by_person[k])))
    return out


def _highest_near(at: Array, values: Array, apart_s: float) -> Array:
    """For each of the sorted times (n,), the highest of values (n,) less than `apart_s` seconds away."""
    first, after = np.searchsorted(at, at - apart_s, side="right"), np.searchsorted(at, at + apart_s)
    highest, waiting, at_hand = np.zeros(len(at)), deque[int](), 0
    for k in range(len(at)):
        for j in range(at_hand, int(after[k])):
            while waiting and values[waiting[-1]] <= values[j]:
                waiting.pop()
            waiting.append(j)
        at_hand = max(at_hand, int(after[k]))
        while waiting[0] < first[k]:
            waiting.popleft()
        highest[k] = values[waiting[0]]
    return highest


def _steepest(
    line: Trajectory,
    axis: Literal["valence", "arousal"],
    lines: int,
    smoothing: TrajectoryOptions,
    people: frozenset[int],
    least: float,
) -> Moment | None:
    """Find the steepest change of a trajectory over two smoothing widths, so that its ends share little sound.

    It is at least `least`: a smaller one may be certain, and still nobody would hear it. `people` are the indices of
    turns whose class was set by a person.
    """
    middle, low, high = (
        np.array([np.nan if v is None else v for v in getattr(line, name)], dtype=np.float64)
        for name in (axis, f"{axis}_low", f"{axis}_high")
    )
    width = max(1, round(2 * smoothing.smoothing_s / smoothing.step_s))
    if len(middle) <= width:
        return None
    change = middle[width:] - middle[:-width]
    error = (high - low) / (2 * Z_95)
    doubt = np.hypot(error[width:], error[:-width])
    if np.isnan(change).all():
        return None
    heard = np.abs(change) >= least  # False where it is not known
    z = np.where(heard, change / np.maximum(doubt, 1e-9), 0.0)
    k = int(np.argmax(np.abs(z)))
    if z[k] == 0:
        return None
    sure = bool(abs(z[k]) > _many_looks(line.times_s[-1] - line.times_s[0], lines, smoothing))
    values: dict[str, float | int | str] = {
        "change": float(change[k]),
        "from": float(middle[k]),
        "to": float(middle[k + width]),
        "z": float(z[k]),
        "by_person": _by_person(line, (line.times_s[k], line.times_s[k + width]), smoothing, people),
    }
    return Moment(axis, line.times_s[k], line.times_s[k + width], line.speaker, sure, values)


def _longest_monologue(exchange: Exchange, options: MomentOptions) -> list[Moment]:
    """The longest monologue of all speakers, if it is at least `options.monologue_s` long."""
    longest = max(exchange.monologues, key=lambda m: m.duration_s, default=None)
    if longest is None or longest.duration_s < options.monologue_s:
        return []
    return [
        Moment("monologue", longest.start_s, longest.end_s, longest.speaker, values={"seconds": longest.duration_s})
    ]


def _of_silence(start_s: float, end_s: float) -> Moment:
    return Moment("silence", start_s, end_s, values={"seconds": end_s - start_s})


def _by_person(
    line: Trajectory, times_s: Sequence[float], smoothing: TrajectoryOptions, people: frozenset[int]
) -> float:
    """Mean weight, at these times of a trajectory, of turns whose class was set by a person."""
    at, seconds = (np.array([getattr(p, name) for p in line.points]) for name in ("time_s", "weight_s"))
    human = np.array([p.turn in people for p in line.points], dtype=np.float64)
    shares = np.zeros(len(times_s))

    def figures(which: slice, weights: Array, near: slice) -> None:
        shares[which] = weights @ human[near]

    smoothed(np.array(times_s), at, seconds, smoothing.smoothing_s, figures)
    return float(shares.mean())


def _many_looks(seconds: float, lines: int, smoothing: TrajectoryOptions) -> float:
    """Normal quantile for a two-sided 95 % test of the most extreme stretch of `lines` lines of `seconds` each.

    Stretches slide, so each separate stretch counts as two tests.
    """
    looks = lines * max(1.0, 2 * seconds / (2 * smoothing.smoothing_s))
    return z_of_looks(looks)
