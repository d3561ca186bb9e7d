"""Weighted means and their errors, shared by the steps that summarise points (pure)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Z_95 = 1.959964  # normal quantile of a two-sided 95 % interval


def nearness(point: tuple[float, float], places: Sequence[tuple[float, float]], error_sd: float) -> tuple[float, ...]:
    """Probability of each place to be the true one of a point that was measured with a normal error of `error_sd`.

    All places are alike beforehand, so the nearest has the highest, and two at the same distance have the same.
    """
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

    `shared` (n,), at least 1, is over how many windows the sound of each value is spread: windows that overlap are
    not independent, and count as fewer.
    """
    mean = weights @ values
    local = (weights * (values - mean[..., None]) ** 2).sum(axis=-1)
    variance = (weights**2 * shared * (spreads**2 + local[..., None])).sum(axis=-1)
    return mean, np.sqrt(variance)
