"""Labels of raters -> a correction of the model's scores: a temperature and the shares of classes to expect (pure).

With scores s of a turn's windows, the corrected ones are proportional to s^(1/T) * priors / assumed (softmax; with
odds in place of scores if a model scores each class on its own). T and the quotients are the maximum of the likelihood
of the labels, as in a logistic regression with one slope, so the corrected scores have on average the shares that
raters gave. Both are held near "as published" by a penalty, and the correction is kept only if it tells labels better
that it did not see: whole speakers, else turns, are left out in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import scipy.optimize

from ressenti.pipeline.emotion.calibration import LEAST, with_priors
from ressenti.pipeline.lab.evaluation.agreement import rows_of
from ressenti.pipeline.lab.evaluation.labelling import Item, Sample
from ressenti.pipeline.lab.evaluation.labels import Answer
from ressenti.pipeline.records import CLASSES, Calibration, ClassName

LEAST_TURNS = 30  # with a class from a rater; with fewer, nothing is corrected
LEAST_PRIOR = 0.005  # of a class that nobody heard: it may still come
FOLDS = 5
_COUNTED = 1.0  # turns of each class that are added before shares are computed (Laplace)
_SPREAD_SLOPE = 0.5  # standard deviation of the logarithm of the slope before any label is seen
_SPREAD_SHIFT = 2.0  # and of a shift

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Labelled:
    """Windows (n, 5) of labelled turns with their weights, the rows that they belong to, and each row's class."""

    windows: Array
    shares: Array  # (n,), of a window in its turn
    row_of: npt.NDArray[np.int64]  # (n,)
    truth: npt.NDArray[np.int64]  # (rows,)
    weights: Array  # (rows,), which sum to the effective number of turns
    groups: npt.NDArray[np.int64]  # (rows,)
    activation: str

    def of(self, rows: npt.NDArray[np.bool_]) -> _Labelled:
        """Some rows."""
        numbers = np.cumsum(rows) - 1
        inside = rows[self.row_of]
        return _Labelled(
            self.windows[inside],
            self.shares[inside],
            numbers[self.row_of[inside]],
            self.truth[rows],
            self.weights[rows],
            self.groups[rows],
            self.activation,
        )

    def mean(self, slope: float, added: Array) -> Array:
        """Corrected scores (rows, 5) of the turns: the mean of their windows."""
        scores = with_priors(self.windows, slope, added, self.activation) * self.shares[:, None]
        out = np.zeros((len(self.truth), len(CLASSES)))
        np.add.at(out, self.row_of, scores)
        return out

    def loss(self, slope: float, added: Array) -> float:
        """Mean negative logarithm of the probability of what raters heard."""
        scores = np.clip(self.mean(slope, added), LEAST, 1 - LEAST)
        if self.activation == "softmax":
            found = -np.log(scores[np.arange(len(self.truth)), self.truth])
        else:
            right = np.eye(len(CLASSES))[self.truth]
            found = -(right * np.log(scores) + (1 - right) * np.log(1 - scores)).sum(axis=1)
        return float(np.average(found, weights=self.weights))


def calibration_of(sample: Sample, answers: Sequence[dict[str, Answer]]) -> tuple[Calibration | None, str]:
    """The correction that the labels support, or None, and why in words."""
    labelled = _labelled(sample, answers)
    turns = len({item.id for item in sample.items if any(_heard(own, item) for own in answers)})
    if labelled is None:
        return None, "this model gives valence and arousal, and no scores to correct"
    if turns < LEAST_TURNS:
        return None, f"{turns} turns have a class from a rater, at least {LEAST_TURNS} are needed"
    before = labelled.loss(1.0, np.zeros(len(CLASSES)))
    unseen = _unseen(labelled)
    if unseen is None or unseen >= before:
        return None, "corrected scores would not tell labels better that they did not learn from"
    slope, added = _fitted(labelled)
    priors = _priors(labelled)
    assumed = _assumed(priors, added, labelled.activation)
    found = Calibration(
        temperature=round(1 / slope, 4),
        priors=_named(priors),
        assumed=_named(assumed),
        turns=turns,
        log_loss=before,
        log_loss_unseen=unseen,
    )
    return found, f"log loss {before:.2f} as published, {unseen:.2f} corrected, on labels that were left out"


def _labelled(sample: Sample, answers: Sequence[dict[str, Answer]]) -> _Labelled | None:
    """The rows of `agreement.rows_of`, with the windows of their turns; None if the model has no scores to correct."""
    kinds = {w.emotion.activation for item in sample.items for w in item.turn.windows if w.emotion}
    if len(kinds) != 1 or not kinds <= {"softmax", "sigmoid"}:
        return None
    rows = rows_of(sample, answers)
    by_row = [item for item in sample.items for own in answers if _heard(own, item)]
    windows: list[tuple[float, ...]] = []
    shares, row_of = [], []
    for k, item in enumerate(by_row):
        own = [(w.emotion.scores, w.weight_s) for w in item.turn.windows if w.emotion]
        total = sum(weight for _, weight in own)
        windows += [scores for scores, _ in own]
        shares += [weight / total for _, weight in own]
        row_of += [k] * len(own)
    scores = np.array(windows, dtype=np.float64).reshape(-1, len(CLASSES))
    speakers = sorted(set(rows.speakers))
    names = rows.speakers if len(speakers) >= FOLDS else [(item.sha256, item.id) for item in by_row]
    order = {name: k for k, name in enumerate(sorted(set(names)))}
    effective = rows.weights * rows.weights.sum() / np.square(rows.weights).sum() if len(rows.weights) else rows.weights
    made = _Labelled(
        scores,
        np.array(shares),
        np.array(row_of, dtype=np.int64),
        rows.truth,
        np.asarray(effective),
        np.array([order[name] for name in names], dtype=np.int64),
        next(iter(kinds)),
    )
    can = scores.max(axis=0, initial=0.0) > 0  # a class that the model never gives tells nothing of how sure it is
    return made.of(can[made.truth]) if len(made.truth) else made


def _heard(own: dict[str, Answer], item: Item) -> bool:
    return item.id in own and own[item.id].place is not None


def _fitted(labelled: _Labelled) -> tuple[float, Array]:
    """The slope and the shifts with the highest likelihood, held near 1 and 0."""
    count = labelled.weights.sum()

    def cost(x: Array) -> float:
        penalty = (x[0] / _SPREAD_SLOPE) ** 2 / 2 + np.sum((x[1:] / _SPREAD_SHIFT) ** 2) / 2
        return float(count * labelled.loss(float(np.exp(x[0])), x[1:]) + penalty)

    limits = [(np.log(0.1), np.log(10)), *[(-8.0, 8.0)] * len(CLASSES)]
    found = scipy.optimize.minimize(cost, np.zeros(1 + len(CLASSES)), method="L-BFGS-B", bounds=limits)
    return float(np.exp(found.x[0])), np.asarray(found.x[1:])


def _unseen(labelled: _Labelled) -> float | None:
    """The loss on rows that were left out of a fit, each once; None if that cannot be."""
    folds = labelled.groups % FOLDS
    if len(set(folds)) < 2:
        return None
    losses, weights = [], []
    for fold in sorted(set(folds)):
        slope, added = _fitted(labelled.of(folds != fold))
        rest = labelled.of(folds == fold)
        losses.append(rest.loss(slope, added))
        weights.append(rest.weights.sum())
    return float(np.average(losses, weights=weights))


def _priors(labelled: _Labelled) -> Array:
    """Shares of classes as raters heard them, with a turn of each added."""
    counts = np.bincount(labelled.truth, labelled.weights, minlength=len(CLASSES)) + _COUNTED
    shares = np.maximum(counts / counts.sum(), LEAST_PRIOR)
    return np.asarray(shares / shares.sum())


def _assumed(priors: Array, added: Array, activation: str) -> Array:
    """The shares that make these shifts of these priors; of softmax, shifts count up to a constant."""
    if activation == "softmax":
        assumed = priors * np.exp(-added)
        return np.asarray(assumed / assumed.sum())
    odds = priors / (1 - priors) * np.exp(-added)
    return np.asarray(odds / (1 + odds))


def _named(shares: Array) -> dict[ClassName, float]:
    names = cast("tuple[ClassName, ...]", CLASSES)
    return {name: float(f"{share:.4g}") for name, share in zip(names, shares, strict=True)}
