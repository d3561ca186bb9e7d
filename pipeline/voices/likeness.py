"""How alike two voices are, and what likeness strangers hardly ever reach, by seconds of speech (pure).

Embeddings of everybody heard by telephone lie close together, whoever it is, and far from those of a studio. So before
two are compared, the mean of all people is taken out, and the few directions in which a line moves an embedding
(nuisance attribute projection, Solomonoff et al. 2005). `lines.json` holds these, and how alike strangers are; it was
learned from LibriSpeech, clean and by simulated telephone: `python -m ressenti.pipeline.lab.training.voice_lines`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.audio.mel import FloatArray

FILE = "lines.json"
RATE = 0.001  # of false alarms, where none is asked for
_MOST = 0.99  # a limit that one and the same recording still reaches


@dataclass(frozen=True)
class Lines:
    """The mean embedding (192,), directions of lines (k, 192) of unit length, and the spread of strangers by seconds.

    A spread is the standard deviation of a normal distribution around 0 that strangers' likeness stays within, in the
    worst of all ways to hear them, up to one pair in 10,000.
    """

    mean: FloatArray
    directions: FloatArray
    seconds: FloatArray
    spreads: FloatArray


@cache
def lines() -> Lines:
    """What is known of lines and strangers."""
    data = json.loads((resources.files(__package__ or "") / FILE).read_text(encoding="utf-8"))
    spreads = sorted((float(seconds), float(spread)) for seconds, spread in data["strangers"].items())
    return Lines(
        np.array(data["mean"], np.float32),
        np.array(data["directions"], np.float32),
        np.array([seconds for seconds, _ in spreads], np.float32),
        np.array([spread for _, spread in spreads], np.float32),
    )


def without_line(vectors: npt.ArrayLike, mean: FloatArray, directions: FloatArray) -> FloatArray:
    """Embeddings (..., 192), of unit length again, without the mean and without what lies along the directions."""
    centred = np.asarray(vectors, np.float32) - mean
    left = centred - (centred @ directions.T) @ directions
    unit: FloatArray = left / np.maximum(np.linalg.norm(left, axis=-1, keepdims=True), 1e-9)
    return unit


def comparable(vectors: npt.ArrayLike) -> FloatArray:
    """Embeddings (..., 192) as they are compared: the cosine of two is their likeness."""
    known = lines()
    return without_line(vectors, known.mean, known.directions)


def likeness(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Likeness of two embeddings, in [-1, 1]."""
    return float(np.clip(comparable(first) @ comparable(second), -1, 1))


def limit_of(speech_s: float, false_alarm: float) -> float:
    """The likeness that two strangers reach with this probability; `speech_s` is what the shorter voice was heard for.

    Figures between the measured lengths are interpolated over the logarithm of seconds.
    """
    known = lines()
    spread = float(np.interp(np.log(max(speech_s, 1e-3)), np.log(known.seconds), known.spreads))
    return min(_MOST, spread * NormalDist().inv_cdf(1 - false_alarm))
