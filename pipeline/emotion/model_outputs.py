"""Interpret a wav2vec2 model's outputs: by activation and label map, or as valence and arousal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.affect.stats import nearness
from ressenti.pipeline.config import AffectOptions, EmotionOptions
from ressenti.pipeline.emotion.checkpoint import Checkpoint
from ressenti.pipeline.emotion.labels import Activation, LabelMap, map_labels, usual_activation
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.records import CLASSES, EmotionScores

DIMENSIONS = ("arousal", "dominance", "valence")  # outputs of audeering's regression, in this order


class Known(Protocol):
    """Registry entry of a model; None for values it does not have."""

    @property
    def head(self) -> str | None: ...  # noqa: D102
    @property
    def activation(self) -> str | None: ...  # noqa: D102
    @property
    def labels(self) -> Mapping[str, str | None] | None: ...  # noqa: D102
    @property
    def licence(self) -> str | None: ...  # noqa: D102
    @property
    def commercial(self) -> bool | None: ...  # noqa: D102


@dataclass(frozen=True)
class Reading:
    """How to interpret a model's outputs: the activation, and the map of its labels (None for a regression)."""

    meaning: Activation | Literal["regression"]
    labels: LabelMap | None

    def scores(self, outputs: npt.NDArray[np.float64]) -> EmotionScores:
        """Scores from one excerpt's outputs (labels,)."""
        if self.labels is None:
            return _placed(outputs)
        meaning: Activation = "sigmoid" if self.meaning == "sigmoid" else "softmax"
        if meaning == "softmax":
            shifted = np.exp(outputs - outputs.max())
            activated = shifted / shifted.sum()
        else:
            activated = 1 / (1 + np.exp(-np.clip(outputs, -60, 60)))
        scores = tuple(float(s) for s in self.labels.scores(activated[None], meaning)[0])
        return EmotionScores(scores, meaning, own=self.labels.own(activated))


def reading_of(checkpoint: Checkpoint, options: EmotionOptions, known: Known | None) -> Reading:
    """Decide how to interpret the outputs; `ConfigError` if options and model do not fit."""
    names = checkpoint.labels
    asked: Mapping[str, str | None] | None = options.labels
    if tuple(label.casefold() for label in names) == DIMENSIONS:
        if asked is not None or options.activation != "auto":
            raise ConfigError(
                f"emotion.labels, emotion.activation: the model gives {', '.join(names)} and no classes. Remove both "
                "options; to move the classes, change affect.anchors."
            )
        return Reading("regression", None)
    source = "emotion.labels"
    if asked is None and known is not None and known.labels:
        asked, source = dict(known.labels), "the registry's labels"
    labels = map_labels(names, asked, source)
    return Reading(_activation(checkpoint, options, known), labels)


def _activation(checkpoint: Checkpoint, options: EmotionOptions, known: Known | None) -> Activation:
    by_type: dict[Any, Activation] = {
        "multi_label_classification": "sigmoid",
        "single_label_classification": "softmax",
    }
    problem = checkpoint.config.get("problem_type")
    if options.activation != "auto":
        return options.activation
    if known is not None and known.activation in ("softmax", "sigmoid"):
        return "sigmoid" if known.activation == "sigmoid" else "softmax"
    if problem is not None and problem not in by_type:
        raise ConfigError(
            f"{checkpoint.folder}: problem_type {problem!r} in config.json does not give the activation for the "
            f"outputs {', '.join(checkpoint.labels)}. Set emotion.activation to softmax or sigmoid."
        )
    return by_type.get(problem) or usual_activation(checkpoint.labels) or "softmax"


def _placed(outputs: npt.NDArray[np.float64]) -> EmotionScores:
    """Valence and arousal of a regression, 2x - 1 of its outputs, with class scores by nearness to the anchors."""
    arousal, _, valence = (float(v) for v in np.clip(2 * outputs - 1, -1, 1))
    affect = AffectOptions()  # `derive` applies the configured anchors later
    near = nearness((valence, arousal), [affect.anchors[name] for name in CLASSES], affect.error_sd)
    return EmotionScores(near, "regression", valence, arousal)
