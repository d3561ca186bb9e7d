"""Scores of a model, corrected by what people heard on the user's own calls: how sure they are, and what to expect.

`ressenti evaluate label` finds the correction (`pipeline.lab.evaluation.calibration`), and a config that names its file
applies it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.emotion.interface import EmotionModel, Excerpt
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import CLASSES, Calibration, ClassName, EmotionScores, ModelInfo, Note, Validation

LEAST = 1e-6  # a score below it counts as this, unless it is 0: a class that a model never gives stays impossible


class CalibratedEmotion:
    """A model whose scores are corrected; everything else is its own."""

    def __init__(self, model: EmotionModel, calibration: Calibration) -> None:
        self._model, self._calibration = model, calibration
        self.parts, self.learned = model.parts, model.learned
        told: dict[str, float | int | str] = {"temperature": calibration.temperature, "turns": calibration.turns}
        told |= {str(name): share for name, share in calibration.priors.items()}
        self.info: ModelInfo = replace(model.info, notes=(*model.info.notes, Note("calibrated", told)))

    def score(self, excerpts: Sequence[Excerpt], progress: Progress = ignore_progress) -> list[EmotionScores]:
        """Score each excerpt, in order; the model's own labels stay as they are."""
        return [corrected(found, self._calibration) for found in self._model.score(excerpts, progress)]


def calibrated(model: EmotionModel | None, validation: Validation | None) -> EmotionModel | None:
    """The model with the correction of a validation, if that has one and is of this model; else the model as it is."""
    if model is None or validation is None or validation.calibration is None or not validation.is_of([model.info]):
        return model
    return CalibratedEmotion(model, validation.calibration)


def corrected(found: EmotionScores, calibration: Calibration) -> EmotionScores:
    """Corrected scores; those of a regression have none, and classes set by a person stay."""
    if found.activation not in ("softmax", "sigmoid"):
        return found
    priors, assumed = _in_order(calibration.priors), _in_order(calibration.assumed)
    scores = with_priors(
        np.array([found.scores]),
        1 / calibration.temperature,
        shifts(priors, assumed, found.activation),
        found.activation,
    )
    return replace(found, scores=tuple(float(s) for s in scores[0]))


def shifts(
    priors: npt.NDArray[np.float64], assumed: npt.NDArray[np.float64], activation: str
) -> npt.NDArray[np.float64]:
    """What is added to the logarithm of each class's score (softmax) or of its odds (sigmoid)."""
    if activation == "softmax":
        return np.asarray(np.log(priors) - np.log(assumed))
    return np.asarray(np.log(priors / (1 - priors)) - np.log(assumed / (1 - assumed)))


def with_priors(
    scores: npt.NDArray[np.float64], slope: float, added: npt.NDArray[np.float64], activation: str
) -> npt.NDArray[np.float64]:
    """Scores (n, 5) after a temperature of 1/`slope` and with other priors (Guo et al. 2017; Saerens et al. 2002).

    Of softmax scores, logarithms are scaled and shifted, and the scores sum to 1 again; of independent ones (sigmoid),
    those of the odds.
    """
    possible = scores > 0
    kept = np.clip(scores, LEAST, 1 - LEAST)
    if activation == "softmax":
        raised = np.where(possible, slope * np.log(kept) + added, -np.inf)
        raised = np.exp(raised - raised.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))
    odds = slope * np.log(kept / (1 - kept)) + added
    return np.asarray(np.where(possible, 1 / (1 + np.exp(-np.clip(odds, -60, 60))), 0.0))


def _in_order(shares: Mapping[ClassName, float]) -> npt.NDArray[np.float64]:
    """Shares in the order of the classes."""
    return np.array([share for _, share in sorted(shares.items(), key=lambda pair: CLASSES.index(pair[0]))])
