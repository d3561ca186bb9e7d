"""Map a model's own labels and scores to the five classes; built-in maps for known models (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.records import CLASSES

Activation = Literal["softmax", "sigmoid"]


@dataclass(frozen=True)
class Shipped:
    """A built-in map for certain models; `activation` if their training determines it."""

    name: str
    classes: Mapping[str, str | None]
    whole: bool  # fits only models with all of these labels
    activation: Activation | None = None


SHIPPED = (
    Shipped(
        "Lajavaness", {name: name for name in CLASSES}, whole=True, activation="sigmoid"
    ),  # "multilabel classifier"
    Shipped(
        "ehcalabres",  # the classes of RAVDESS, as in the registry; a surprise can be pleasant or not
        {
            "angry": "Tension",
            "calm": "Relaxed",
            "disgust": None,
            "fearful": "Tension",
            "happy": "Pleased",
            "neutral": "Neutral",
            "sad": "Sad",
            "surprised": None,
        },
        whole=True,
    ),
    Shipped(
        "four classes",  # the usual subset of IEMOCAP, also with SUPERB's abbreviations
        {
            **dict.fromkeys(("angry", "anger", "ang"), "Tension"),
            **dict.fromkeys(("happy", "happiness", "hap"), "Pleased"),
            **dict.fromkeys(("neutral", "neu"), "Neutral"),
            **dict.fromkeys(("sad", "sadness"), "Sad"),
        },
        whole=False,
    ),
)


@dataclass(frozen=True)
class LabelMap:
    """The class of each of a model's labels, in the model's order, or None."""

    labels: tuple[str, ...]
    classes: tuple[str | None, ...]

    @property
    def cannot(self) -> tuple[str, ...]:
        """Classes without a label."""
        return tuple(name for name in CLASSES if name not in self.classes)

    @property
    def pairs(self) -> dict[str, float | int | str]:
        """Each label with its class (empty if it has none), as the values of a note."""
        return {label: name or "" for label, name in zip(self.labels, self.classes, strict=True)}

    def own(self, activated: npt.NDArray[np.float64]) -> tuple[tuple[str, float], ...]:
        """All labels with their activated scores (labels,), if there are others than the five classes."""
        if {label.casefold() for label in self.labels} <= {name.casefold() for name in CLASSES}:
            return ()
        return tuple(zip(self.labels, (float(score) for score in activated), strict=True))

    def scores(self, activated: npt.NDArray[np.float64], activation: Activation) -> npt.NDArray[np.float64]:
        """Class scores (n, 5) from a model's activated scores (n, labels); a class without a label gets 0.

        With several labels per class, shares (softmax) are summed, and of independent scores (sigmoid) the maximum
        counts. The share of labels without a class is spread evenly over the classes that have labels, so that it makes
        a turn unsure and no class likely.
        """
        out = np.zeros((len(activated), len(CLASSES)))
        for k, name in enumerate(CLASSES):
            columns = [i for i, target in enumerate(self.classes) if target == name]
            if columns:
                part = activated[:, columns]
                out[:, k] = part.sum(axis=1) if activation == "softmax" else part.max(axis=1)
        if activation == "softmax":
            can = [k for k, name in enumerate(CLASSES) if name in self.classes]
            out[:, can] += ((1 - out.sum(axis=1)) / len(can))[:, None]
        return np.clip(out, 0, 1)


def map_labels(labels: Sequence[str], asked: Mapping[str, str | None] | None, source: str) -> LabelMap:
    """Make the map for a model's labels: the one in `asked` (from `source`), else a built-in one.

    Raises `ConfigError` if it misses a label, has an unknown one, or maps none to a class.
    """
    chosen = asked if asked is not None else _fitting(labels).classes
    known = {key.casefold(): name for key, name in chosen.items()}
    folded = {label.casefold() for label in labels}
    left_out = [label for label in labels if label.casefold() not in known]
    strange = [key for key in chosen if key.casefold() not in folded] if asked is not None else []
    if left_out or strange:
        raise ConfigError(
            f"{source}: the map does not fit the model's labels {', '.join(labels)}: "
            f"missing {', '.join(left_out) or 'none'}, unknown {', '.join(strange) or 'none'}. "
            "Give each label once, with one of the five classes or null."
        )
    made = LabelMap(tuple(labels), tuple(known[label.casefold()] for label in labels))
    if len(made.cannot) == len(CLASSES):
        raise ConfigError(f"{source}: no label has a class; expected at least one of {', '.join(CLASSES)}.")
    return made


def usual_activation(labels: Sequence[str]) -> Activation | None:
    """Activation that known models with these labels were trained for; None if unknown."""
    found = _find(labels)
    return found.activation if found else None


def _fitting(labels: Sequence[str]) -> Shipped:
    found = _find(labels)
    if found is None:
        raise ConfigError(
            f"emotion.labels: there is no built-in map for the labels {', '.join(labels)}. Give each one's class in a "
            f"config, as in labels: {{{labels[0]}: {CLASSES[0]}, ...}}: one of {', '.join(CLASSES)}, or null for none."
        )
    return found


def _find(labels: Sequence[str]) -> Shipped | None:
    folded = {label.casefold() for label in labels}
    for shipped in SHIPPED:
        names = {name.casefold() for name in shipped.classes}
        if folded == names or (not shipped.whole and folded <= names):
            return shipped
    return None
