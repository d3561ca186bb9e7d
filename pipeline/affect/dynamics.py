"""Turns -> talk, silence, overlap, interruption, latency, and how a speaker's affect moved (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Literal

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.affect.stats import Z_95, weighted_error
from ressenti.pipeline.config import DynamicsOptions
from ressenti.pipeline.records import (
    CLASSES,
    Affect,
    AffectPoint,
    Estimate,
    Exchange,
    Interruption,
    Monologue,
    Segment,
    Silence,
    Talk,
    Turn,
    union_s,
)


def exchange_of(
    segments: Sequence[Segment], turns: Sequence[Turn], duration_s: float, options: DynamicsOptions
) -> Exchange:
    """Figures of the conversation as a whole: speech, overlap, non-talk, silences, interruptions, monologues."""
    spoken = union_s([(s.start_s, s.end_s) for s in segments])
    speech_s = sum(end - start for start, end in spoken)
    edges = [0.0, *(edge for span in spoken for edge in span), duration_s]
    gaps = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
    return Exchange(
        speech_s=speech_s,
        overlap_s=max(0.0, sum(s.duration_s for s in _joined(segments)) - speech_s),  # sums differ in their last digit
        non_talk_s=sum(b - a for a, b in gaps if b - a > options.non_talk_s),
        silences=tuple(Silence(a, b) for a, b in gaps if b - a > options.silence_s),
        interruptions=interruptions_of(turns, options),
        monologues=monologues_of(turns, options),
    )


def interruptions_of(turns: Sequence[Turn], options: DynamicsOptions) -> tuple[Interruption, ...]:
    """Turns that begin inside another speaker's, overlap it for longer than the limit and outlast it."""
    return tuple(
        Interruption(turn.start_s, turn.speaker, other.speaker, other.end_s - turn.start_s)
        for other, turn in _overlapping(turns)
        if other.start_s < turn.start_s
        and turn.end_s > other.end_s
        and other.end_s - turn.start_s > options.interruption_s
    )


def backchannels_of(turns: Sequence[Turn]) -> frozenset[int]:
    """Indices of the turns that lie wholly inside another speaker's longer turn."""
    inside = set()
    for other, turn in _overlapping(turns):
        if turn.end_s <= other.end_s and turn.duration_s < other.duration_s:
            inside.add(turn.index)
        elif other.start_s == turn.start_s and other.end_s < turn.end_s:
            inside.add(other.index)
    return frozenset(inside)


def monologues_of(turns: Sequence[Turn], options: DynamicsOptions) -> tuple[Monologue, ...]:
    """Each speaker's longest monologue, in order of time: what cards, key moments and exports show of it.

    A monologue lasts from the first to the last word of turns of one speaker, until another takes the floor or there is
    a silence longer than the limit (`silence_s`). Shorter pauses are part of it; backchannels of others do not end it,
    and one's own are none.
    """
    backchannels = backchannels_of(turns)
    longest: dict[str, Monologue] = {}
    run: Monologue | None = None
    for turn in sorted((t for t in turns if t.index not in backchannels), key=lambda t: t.start_s):
        goes_on = run is not None and run.speaker == turn.speaker and turn.start_s - run.end_s <= options.silence_s
        start, end = (run.start_s, run.end_s) if run is not None and goes_on else (turn.start_s, turn.end_s)
        run = Monologue(start, max(end, turn.end_s), turn.speaker)
        if turn.speaker not in longest or run.duration_s > longest[turn.speaker].duration_s:
            longest[turn.speaker] = run
    return tuple(sorted(longest.values(), key=lambda m: m.start_s))


def talks_of(
    labels: Sequence[str],
    segments: Sequence[Segment],
    turns: Sequence[Turn],
    exchange: Exchange,
    options: DynamicsOptions,
    measured: Sequence[Turn] | None = None,
) -> dict[str, Talk]:
    """How each speaker took part. Backchannels count as talk time, not as turns that take the floor.

    `measured` are the turns whose loudness is known, where these are others.
    """
    joined, backchannels = _joined(segments), backchannels_of(turns)
    all_s = sum(s.duration_s for s in joined)
    own_s: dict[str, list[float]] = {label: [] for label in labels}
    own: dict[str, list[Turn]] = {label: [] for label in labels}
    answers: dict[str, list[float]] = {label: [] for label in labels}
    loudness: dict[str, list[float]] = {label: [] for label in labels}
    for segment in joined:
        own_s[segment.speaker].append(segment.duration_s)
    for turn in turns:
        own[turn.speaker].append(turn)
    for a, b in pairwise(t for t in turns if t.index not in backchannels):
        gap = max(0.0, b.start_s - a.end_s)
        if a.speaker != b.speaker and gap <= options.max_latency_s:
            answers[b.speaker].append(gap)
    for turn in turns if measured is None else measured:
        if turn.loudness_dbfs is not None:
            loudness[turn.speaker].append(turn.loudness_dbfs)
    return {
        label: _talk(
            label, sum(own_s[label]), all_s, own[label], backchannels, exchange, answers[label], loudness[label]
        )
        for label in labels
    }


def _talk(
    label: str,
    own_s: float,
    all_s: float,
    own: Sequence[Turn],
    backchannels: frozenset[int],
    exchange: Exchange,
    answers: Sequence[float],
    loudness: Sequence[float],
) -> Talk:
    return Talk(
        talk_s=own_s,
        share=own_s / all_s if all_s else 0.0,
        turns=sum(t.index not in backchannels for t in own),
        longest_monologue_s=max((m.duration_s for m in exchange.monologues if m.speaker == label), default=0.0),
        interruptions=sum(i.by == label for i in exchange.interruptions),
        backchannels=sum(t.index in backchannels for t in own),
        response_latency_s=median(answers) if answers else None,
        loudness_dbfs=median(loudness) if loudness else None,
    )


def affect_of(
    label: str, turns: Sequence[Turn], points: Sequence[AffectPoint], options: DynamicsOptions
) -> Affect | None:
    """How one speaker sounded over all judged turns; None where nothing could be judged.

    Time counts also where the scores say nothing of valence and arousal, and there is no point: as unsure.
    """
    judged = [t for t in turns if t.speaker == label and t.emotion is not None]
    if not judged:
        return None
    seconds = {t.index: sum(w.weight_s for w in t.windows) for t in judged}
    total_s = sum(seconds.values())
    shares = [
        sum(seconds[t.index] for t in judged if t.emotion is not None and t.emotion.top == name and not t.unsure)
        / total_s
        for name in CLASSES
    ]
    valence, arousal = ([getattr(p, axis) for p in points] for axis in ("valence", "arousal"))
    moments = {axis: _by_turn(points, axis) for axis in ("valence", "arousal")}
    enough = len(moments["valence"][1]) >= options.min_turns
    return Affect(
        judged_s=total_s,
        judged_turns=len(judged),
        unsure_turns=sum(t.unsure for t in judged),
        class_shares=tuple(shares),
        unsure_share=max(0.0, 1 - sum(shares)),
        valence=_estimate(points, valence, [p.valence_sd for p in points]) if points else None,
        arousal=_estimate(points, arousal, [p.arousal_sd for p in points]) if points else None,
        valence_quarters=_quarters(points, valence) if points else (None,) * 4,
        arousal_quarters=_quarters(points, arousal) if points else (None,) * 4,
        valence_change=_change(points, "valence"),
        arousal_change=_change(points, "arousal"),
        valence_inertia=inertia(moments["valence"][1]) if enough else None,
        arousal_inertia=inertia(moments["arousal"][1]) if enough else None,
        valence_instability=instability(*moments["valence"]) if enough else None,
        arousal_instability=instability(*moments["arousal"]) if enough else None,
    )


def inertia(values: npt.NDArray[np.float64]) -> float | None:
    """Lag-1 autocorrelation of values (n,) in order of time; None for a constant series."""
    centred = values - values.mean()
    power = float(centred @ centred)
    return float(centred[1:] @ centred[:-1]) / power if power > 1e-12 else None


def instability(times_s: npt.NDArray[np.float64], values: npt.NDArray[np.float64]) -> float | None:
    """Mean squared successive difference of values (n,), adjusted for uneven spacing of times (n,).

    Each squared difference is divided by its interval relative to the median interval (Jahng, Wood & Trull 2008,
    with exponent 1).
    """
    steps = np.diff(times_s)
    if len(steps) == 0 or steps.min() <= 0:
        return None
    return float(np.mean(np.diff(values) ** 2 / (steps / np.median(steps))))


def _by_turn(points: Sequence[AffectPoint], axis: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean time and value of each turn's points, weighted by length, in order of time."""
    rows = []
    by_turn: dict[int, list[AffectPoint]] = {}
    for p in points:
        by_turn.setdefault(p.turn, []).append(p)
    for own in by_turn.values():
        total_s = sum(p.weight_s for p in own)
        at, value = (sum(p.weight_s * getattr(p, name) for p in own) / total_s for name in ("time_s", axis))
        rows.append((at, value))
    table = np.array(sorted(rows), dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _estimate(points: Sequence[AffectPoint], values: list[float], spreads: list[float]) -> Estimate:
    seconds = np.array([p.weight_s for p in points])
    shared = np.maximum(1.0, np.array([p.duration_s for p in points]) / seconds)
    weights = seconds / seconds.sum()
    y = np.array(values)
    mean, error = weighted_error(weights, y, np.array(spreads), shared)
    sd = float(np.sqrt(weights @ (y - mean) ** 2))
    half = Z_95 * float(error)
    return Estimate(float(mean), max(-1.0, float(mean) - half), min(1.0, float(mean) + half), sd)


def _quarters(points: Sequence[AffectPoint], values: list[float]) -> tuple[float | None, ...]:
    """Weighted means in four equal parts of the time from the speaker's first to last judged speech."""
    parts: list[list[tuple[float, float]]] = [[], [], [], []]
    for p, value, quarter in zip(points, values, _quarter_of(points), strict=True):
        parts[quarter].append((p.weight_s, value))
    return tuple(sum(w * v for w, v in part) / sum(w for w, _ in part) if part else None for part in parts)


def _quarter_of(points: Sequence[AffectPoint]) -> list[int]:
    start = min(p.time_s - p.duration_s / 2 for p in points)
    end = max(p.time_s + p.duration_s / 2 for p in points)
    return [min(3, int(4 * (p.time_s - start) / (end - start))) for p in points]


def _change(points: Sequence[AffectPoint], axis: Literal["valence", "arousal"]) -> Estimate | None:
    """Mean of the last quarter less that of the first, the two taken to err independently; None where one is empty."""
    quarters = _quarter_of(points) if points else []
    ends = [[p for p, quarter in zip(points, quarters, strict=True) if quarter == k] for k in (0, 3)]
    if not all(ends):
        return None
    estimates = []
    for own in ends:
        seconds = np.array([p.weight_s for p in own])
        shared = np.maximum(1.0, np.array([p.duration_s for p in own]) / seconds)
        values, spreads = (np.array([getattr(p, name) for p in own]) for name in (axis, f"{axis}_sd"))
        estimates.append(weighted_error(seconds / seconds.sum(), values, spreads, shared))
    (first, first_error), (last, last_error) = estimates
    change, half = float(last - first), Z_95 * float(np.hypot(first_error, last_error))
    return Estimate(change, max(-2.0, change - half), min(2.0, change + half))


def _overlapping(turns: Sequence[Turn]) -> Iterator[tuple[Turn, Turn]]:
    """Pairs of turns of different speakers that overlap, the one that starts first in front."""
    open_turns: list[Turn] = []
    for turn in sorted(turns, key=lambda t: (t.start_s, t.end_s)):
        open_turns = [other for other in open_turns if other.end_s > turn.start_s]
        yield from ((other, turn) for other in open_turns if other.speaker != turn.speaker)
        open_turns.append(turn)


def _joined(segments: Sequence[Segment]) -> list[Segment]:
    """Each speaker's own segments joined where they overlap one another."""
    spans_of: dict[str, list[tuple[float, float]]] = {}
    for s in segments:
        spans_of.setdefault(s.speaker, []).append((s.start_s, s.end_s))
    return [Segment(start, end, label) for label, spans in spans_of.items() for start, end in union_s(spans)]
