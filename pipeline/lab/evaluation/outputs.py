"""Outputs of a model's network beyond the five classes, if the model shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from ressenti.pipeline.emotion.interface import EmotionModel, Excerpt
from ressenti.pipeline.lab.evaluation.metrics import FloatArray
from ressenti.pipeline.lab.labelled_speech.corpora import EMOTIONS


@runtime_checkable
class Open(Protocol):
    """A model that shows all outputs of its network."""

    def outputs(self, excerpts: Sequence[Excerpt]) -> dict[str, npt.NDArray[np.float32]]:
        """Outputs by name, each (n, width); `emotions` are logits in the order of `EMOTIONS`."""
        ...


def emotions_of(model: EmotionModel, excerpts: Sequence[Excerpt]) -> FloatArray:
    """Scores of the eight emotions (n, 8), each row with sum 1; (0, 8) if the model does not give them."""
    logits = outputs_of(model, excerpts).get("emotions", np.zeros((0, len(EMOTIONS)), np.float32))
    scores: FloatArray = softmax(logits.astype(np.float64), axis=1)
    return scores


def outputs_of(model: EmotionModel, excerpts: Sequence[Excerpt]) -> dict[str, npt.NDArray[np.float32]]:
    """Outputs of a model's network by name; empty if it shows none."""
    return model.outputs(excerpts) if isinstance(model, Open) else {}
