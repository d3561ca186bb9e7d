"""Kernel weights, weighted means and their errors, for the steps that summarise points (pure)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Z_95 = 1.959964  # normal quantile of a two-sided 95 % interval


Array = npt.NDArray[np.float64]
_NEAR, _FAR, _GONE = 6.0, 12.0, 39.0  # standard deviations; at _GONE a weight is 0 in double precision
_ROWS = 1 << 22  # weights in memory at a time
MOST_PAIRS = 1_000_000_000  # pairs of a time and a point near it


class TooManyPairsError(ValueError):
    """Too many times and points to smooth within minutes."""


def smoothed(
    times: Array, at: Array, seconds: Array, width_s: float, figures: Callable[[slice, Array, slice], None]
) -> None:
    """Call `figures` with the kernel weights of sorted points (n,) at sorted times (m,), a few rows at a time.

    The kernel is Gaussian with width `width_s`; rows sum to 1, or to 0 if no point is near. `figures` gets the slice of
    times, the weights (rows, points), and the slice of points; points too far to change a digit are left out. Memory
    does not grow with the number of times, and computing time does not grow with far points.
    """
    pairs, plan = 0, []
    start = 0
    while start < len(times):
        stop = start + 64
        block = times[start:stop]
        reach = _FAR if _all_near(block, at, _NEAR * width_s) else _GONE
        first, after = np.searchsorted(at, (block[0] - reach * width_s, block[-1] + reach * width_s))
        rows = max(1, min(len(block), _ROWS // max(1, int(after - first))))
        pairs += rows * int(after - first)
        plan.append((slice(start, min(start + rows, len(times))), slice(int(first), int(after))))
        start += rows
    if pairs > MOST_PAIRS:
        raise TooManyPairsError(f"{pairs:,} pairs of times and windows; expected at most {MOST_PAIRS:,}")
    for which, points in plan:
        distance = (times[which, None] - at[None, points]) / width_s
        weights = np.exp(-0.5 * distance**2) * seconds[points]
        figures(which, weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300), points)


def _all_near(times: Array, at: Array, most_s: float) -> bool:
    after = np.minimum(np.searchsorted(at, times), len(at) - 1)
    nearest = np.minimum(np.abs(at[after] - times), np.abs(at[np.maximum(after - 1, 0)] - times))
    return bool((nearest <= most_s).all())


def nearness(point: tuple[float, float], places: Sequence[tuple[float, float]], error_sd: float) -> tuple[float, ...]:
    """Posterior over `places` for a point with Gaussian error `error_sd` (uniform prior), highest for the nearest."""
    squares = ((np.asarray(places, dtype=float) - np.asarray(point)) ** 2).sum(axis=1)
    weights = np.exp(-(squares - squares.min()) / (2 * error_sd**2))
    return tuple(float(share) for share in weights / weights.sum())


def weighted_error(
    weights: npt.NDArray[np.float64],
    values: npt.NDArray[np.float64],
    spreads: npt.NDArray[np.float64],
    shared: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Weighted mean of values (n,) and its standard error; weights (..., n) sum to 1 along the last axis.

    `shared` (n,), at least 1, is the number of windows that share the sound of each value: overlapping windows are not
    independent and count as fewer.
    """
    mean = weights @ values
    local = (weights * (values - mean[..., None]) ** 2).sum(axis=-1)
    variance = (weights**2 * shared * (spreads**2 + local[..., None])).sum(axis=-1)
    return mean, np.sqrt(variance)
