"""Summarise each speaker's affect and how it changed, from turns and their points (pure)."""

from __future__ import annotations

from collections.abc import Sequence
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
    Turn,
)


def affect_of(
    label: str, turns: Sequence[Turn], points: Sequence[AffectPoint], options: DynamicsOptions
) -> Affect | None:
    """Summarise one speaker's affect over all judged turns; None if no turn was judged.

    Windows without a point, whose scores give no valence and arousal, still count as time, as unsure.
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
    """Lag-1 autocorrelation of values (n,) in time order; None for a constant series."""
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
    """Mean time and value of each turn's points, weighted by length, in time order."""
    rows = []
    by_turn: dict[int, list[AffectPoint]] = {}
    for p in points:
        by_turn.setdefault(p.turn, []).append(p)
    for turn_points in by_turn.values():
        total_s = sum(p.weight_s for p in turn_points)
        at, value = (sum(p.weight_s * getattr(p, name) for p in turn_points) / total_s for name in ("time_s", axis))
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
    """Weighted means in four equal quarters between the speaker's first and last judged speech."""
    parts: list[list[tuple[float, float]]] = [[], [], [], []]
    for p, value, quarter in zip(points, values, _quarter_of(points), strict=True):
        parts[quarter].append((p.weight_s, value))
    return tuple(sum(w * v for w, v in part) / sum(w for w, _ in part) if part else None for part in parts)


def _quarter_of(points: Sequence[AffectPoint]) -> list[int]:
    start = min(p.time_s - p.duration_s / 2 for p in points)
    end = max(p.time_s + p.duration_s / 2 for p in points)
    return [min(3, int(4 * (p.time_s - start) / (end - start))) for p in points]


def _change(points: Sequence[AffectPoint], axis: Literal["valence", "arousal"]) -> Estimate | None:
    """Mean of the last quarter minus that of the first, with independent errors; None if either is empty."""
    quarters = _quarter_of(points) if points else []
    ends = [[p for p, quarter in zip(points, quarters, strict=True) if quarter == k] for k in (0, 3)]
    if not all(ends):
        return None
    estimates = []
    for quarter_points in ends:
        seconds = np.array([p.weight_s for p in quarter_points])
        shared = np.maximum(1.0, np.array([p.duration_s for p in quarter_points]) / seconds)
        values, spreads = (np.array([getattr(p, name) for p in quarter_points]) for name in (axis, f"{axis}_sd"))
        estimates.append(weighted_error(seconds / seconds.sum(), values, spreads, shared))
    (first, first_error), (last, last_error) = estimates
    change, half = float(last - first), Z_95 * float(np.hypot(first_error, last_error))
    return Estimate(change, max(-2.0, change - half), min(2.0, change + half))
