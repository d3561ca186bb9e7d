"""Metrics for labels, scores and trajectories, with their uncertainty (pure)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.records import CLASSES

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
OfConfusion = Callable[[FloatArray], float]
_FEWEST_GROUPS = 4  # an interval over fewer speakers would suggest a precision that it lacks


@dataclass(frozen=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float


@dataclass(frozen=True)
class ReliabilityBin:
    """Scores of similar confidence: their mean, how often they were right, and their share of all."""

    confidence: float
    accuracy: float
    share: float


def confusion(
    truth: IntArray, guess: IntArray, weights: FloatArray | None = None, size: int = len(CLASSES)
) -> FloatArray:
    """Confusion matrix (size, size) of labels (n,), true ones as rows; counts, or sums of weights (n,)."""
    cells = np.bincount(truth * size + guess, weights, minlength=size * size)
    return cells.reshape(size, size).astype(np.float64)


def f1_scores(matrix: FloatArray) -> FloatArray:
    """F1 of each class (5,) from a confusion matrix; 0 if a class is neither present nor guessed."""
    seen = matrix.sum(axis=0) + matrix.sum(axis=1)
    scores: FloatArray = 2 * np.diag(matrix) / np.maximum(seen, 1e-12)
    return scores


def macro_f1(matrix: FloatArray, without: Sequence[int] = ()) -> float:
    """Mean F1 of the classes present, except those in `without`; NaN if there are none."""
    there = matrix.sum(axis=1) > 0
    there[list(without)] = False
    return float(f1_scores(matrix)[there].mean()) if there.any() else float("nan")


def micro_f1(matrix: FloatArray) -> float:
    """Share of right guesses (micro F1 with one label per item); NaN for an empty matrix."""
    total = matrix.sum()
    return float(np.trace(matrix) / total) if total else float("nan")


def unweighted_recall(matrix: FloatArray) -> float:
    """Mean recall of the classes present (unweighted average recall); NaN if there are none."""
    support = matrix.sum(axis=1)
    there = support > 0
    return float((np.diag(matrix)[there] / support[there]).mean()) if there.any() else float("nan")


def concordance(truth: FloatArray, estimate: FloatArray, weights: FloatArray | None = None) -> float:
    """Concordance correlation coefficient of values (n,) (Lin 1989), population moments; NaN if nothing varies."""
    if len(truth) < 2:
        return float("nan")
    w = np.full(len(truth), 1 / len(truth)) if weights is None else weights / weights.sum()
    mean_t, mean_e = w @ truth, w @ estimate
    covariance = w @ ((truth - mean_t) * (estimate - mean_e))
    spread = w @ (truth - mean_t) ** 2 + w @ (estimate - mean_e) ** 2 + (mean_t - mean_e) ** 2
    return float(2 * covariance / spread) if spread > 1e-12 else float("nan")


def correlation(truth: FloatArray, estimate: FloatArray) -> float:
    """Pearson's correlation of values (n,); NaN if either does not vary."""
    if len(truth) < 2 or truth.std() < 1e-9 or estimate.std() < 1e-9:
        return float("nan")
    return float(np.corrcoef(truth, estimate)[0, 1])


def ranking(high: npt.NDArray[np.bool_], estimate: FloatArray) -> float:
    """Area under the ROC curve (Mann-Whitney) of estimates (n,) against `high` (n,); NaN if all are of one kind."""
    from scipy.stats import rankdata

    above = int(high.sum())
    below = len(high) - above
    if not above or not below:
        return float("nan")
    return float((rankdata(estimate)[high].sum() - above * (above + 1) / 2) / (above * below))


def reliability(confidence: FloatArray, right: npt.NDArray[np.bool_], bins: int = 10) -> tuple[ReliabilityBin, ...]:
    """Reliability curve of scores (n,) in equal bins of confidence (Guo et al. 2017), without empty bins."""
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    return tuple(
        ReliabilityBin(float(confidence[row].mean()), float(right[row].mean()), float(row.mean()))
        for row in (which == b for b in range(bins))
        if row.any()
    )


def calibration_error(curve: Sequence[ReliabilityBin]) -> float:
    """Expected calibration error of a reliability curve; NaN for an empty curve."""
    return sum(abs(b.confidence - b.accuracy) * b.share for b in curve) if curve else float("nan")


def bootstrap(
    groups: Sequence[Hashable], statistic: Callable[[IntArray], float], draws: int = 1000, seed: int = 0
) -> Interval | None:
    """95 % percentile bootstrap interval of a statistic of rows; whole groups (speakers) are drawn with replacement.

    `groups` (n,) is the group of each row, `statistic` takes row indices. None with fewer than four groups, or if the
    statistic is undefined in most draws.
    """
    rows: dict[Hashable, list[int]] = {}
    for i, group in enumerate(groups):
        rows.setdefault(group, []).append(i)
    if len(rows) < _FEWEST_GROUPS:
        return None
    members = [np.array(indices, dtype=np.int64) for indices in rows.values()]
    rng = np.random.default_rng(seed)
    drawn = [
        statistic(np.concatenate([members[k] for k in rng.integers(0, len(members), len(members))]))
        for _ in range(draws)
    ]
    found = [value for value in drawn if not np.isnan(value)]
    if len(found) < draws / 2:
        return None
    low, high = np.percentile(found, [2.5, 97.5])
    return Interval(float(low), float(high))
