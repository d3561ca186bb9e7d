"""Points -> one speaker's smoothed trajectory of valence and arousal, with 95 % bands (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from pipeline.config import TrajectoryOptions
from pipeline.records import AffectPoint, Trajectory
from pipeline.stats import Z_95, weighted_error

_Band = tuple[tuple[float | None, ...], tuple[float | None, ...], tuple[float | None, ...]]


def make_trajectory(speaker: str, points: Sequence[AffectPoint], options: TrajectoryOptions) -> Trajectory:
    """Kernel-smooth one speaker's points over time, weighted by their length; None where speech is too far away.

    The kernel is Gaussian in seconds (Nadaraya-Watson). The band is the standard error of the weighted mean, from
    each point's own spread and from how much the points differ locally; windows that share sound count
    as fewer, and otherwise they are taken to err independently.
    """
    if not points:
        return Trajectory(speaker, (), (), (), (), (), (), (), ())
    at = np.array([p.time_s for p in points])
    seconds = np.array([p.weight_s for p in points])
    grid = np.arange(at[0], at[-1] + options.step_s / 2, options.step_s)
    distance = np.abs(grid[:, None] - at[None, :])
    lengths = np.array([p.duration_s for p in points])
    shared = np.maximum(1.0, lengths / seconds)
    edge = np.maximum(0.0, distance - lengths / 2).min(axis=1)
    weights = np.exp(-0.5 * (distance / options.smoothing_s) ** 2) * seconds
    reached = edge <= options.reach * options.smoothing_s
    weights = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
    valence = _band(weights, reached, points, shared, "valence")
    arousal = _band(weights, reached, points, shared, "arousal")
    return Trajectory(speaker, tuple(points), tuple(grid.tolist()), *valence, *arousal)


def _band(
    weights: npt.NDArray[np.float64],
    reached: npt.NDArray[np.bool_],
    points: Sequence[AffectPoint],
    shared: npt.NDArray[np.float64],
    axis: Literal["valence", "arousal"],
) -> _Band:
    values = np.array([getattr(p, axis) for p in points])
    spreads = np.array([getattr(p, f"{axis}_sd") for p in points])
    mean, error = weighted_error(weights, values, spreads, shared)

    def line(y: npt.NDArray[np.float64]) -> tuple[float | None, ...]:
        return tuple(float(v) if ok else None for v, ok in zip(np.clip(y, -1, 1), reached, strict=True))

    return line(mean), line(mean - Z_95 * error), line(mean + Z_95 * error)
