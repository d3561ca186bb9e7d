"""Smooth one speaker's points into a trajectory of valence and arousal with 95 % bands (pure)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.affect.stats import Z_95, Array, TooManyPairsError, smoothed, weighted_error
from ressenti.pipeline.config import TrajectoryOptions
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.records import AffectPoint, Trajectory, union_s

MOST_TIMES = 200_000  # per trajectory

_Band = tuple[tuple[float | None, ...], tuple[float | None, ...], tuple[float | None, ...]]


def make_trajectory(speaker: str, points: Sequence[AffectPoint], options: TrajectoryOptions) -> Trajectory:
    """Kernel-smooth one speaker's points over time, weighted by their length; values far from speech are None.

    The kernel is Gaussian in seconds (Nadaraya-Watson). The band is the standard error of the weighted mean, from each
    point's own spread and the local differences between points. Windows that share sound count as fewer; otherwise
    their errors are assumed independent.
    """
    if not points:
        return Trajectory(speaker, (), (), (), (), (), (), (), ())
    at = np.array([p.time_s for p in points])
    seconds = np.array([p.weight_s for p in points])
    if (at[-1] - at[0]) / options.step_s > MOST_TIMES:
        raise ConfigError(
            f"trajectory.step_s: {options.step_s:g} s gives {(at[-1] - at[0]) / options.step_s:,.0f} points for "
            f"{at[-1] - at[0]:,.0f} s; expected at most {MOST_TIMES:,}. Choose longer steps."
        )
    grid = np.arange(at[0], at[-1] + options.step_s / 2, options.step_s)
    lengths = np.array([p.duration_s for p in points])
    shared = np.maximum(1.0, lengths / seconds)
    speech = union_s(list(zip((at - lengths / 2).tolist(), (at + lengths / 2).tolist(), strict=True)))
    reached = _distance(grid, speech) <= options.reach * options.smoothing_s
    axes = ("valence", "arousal")
    values = [np.array([getattr(p, axis) for p in points]) for axis in axes]
    spreads = [np.array([getattr(p, f"{axis}_sd") for p in points]) for axis in axes]
    means, errors = np.zeros((2, len(grid))), np.zeros((2, len(grid)))

    def figures(which: slice, weights: Array, near: slice) -> None:
        for k in range(len(axes)):
            found = weighted_error(weights, values[k][near], spreads[k][near], shared[near])
            means[k, which], errors[k, which] = found

    try:
        smoothed(grid, at, seconds, options.smoothing_s, figures)
    except TooManyPairsError as exc:
        raise ConfigError(
            f"trajectory: {exc}. Choose longer steps (trajectory.step_s) or less smoothing (trajectory.smoothing_s)."
        ) from exc
    bands = [_band(means[k], errors[k], reached) for k in range(len(axes))]
    return Trajectory(speaker, tuple(points), tuple(grid.tolist()), *bands[0], *bands[1])


def _distance(times: Array, spans: Sequence[tuple[float, float]]) -> Array:
    """Seconds from times (n,) to the nearest of sorted, disjoint spans; 0 inside a span."""
    starts, ends = np.array(spans).T
    after = np.searchsorted(starts, times, side="right")
    to_next = np.where(after < len(starts), starts[np.minimum(after, len(starts) - 1)] - times, np.inf)
    since_last = np.where(after > 0, times - ends[np.maximum(after - 1, 0)], np.inf)
    distance: Array = np.maximum(0.0, np.minimum(to_next, since_last))
    return distance


def _band(mean: Array, error: Array, reached: npt.NDArray[np.bool_]) -> _Band:
    def line(y: npt.NDArray[np.float64]) -> tuple[float | None, ...]:
        return tuple(float(v) if ok else None for v, ok in zip(np.clip(y, -1, 1), reached, strict=True))

    return line(mean), line(mean - Z_95 * error), line(mean + Z_95 * error)
