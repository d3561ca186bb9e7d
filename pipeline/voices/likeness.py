"""How alike two voices are, and what likeness strangers hardly ever reach, by seconds of speech (pure)."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

RATE = 0.001  # of false alarms, where none is asked for
_STRANGERS = ((3.0, 0.07, 0.11), (5.0, 0.07, 0.105), (10.0, 0.07, 0.10), (30.0, 0.07, 0.10))
"""Seconds of speech of the shorter voice, and mean and standard deviation of the likeness of two strangers."""


def likeness(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Cosine of two embeddings of unit length, in [-1, 1]."""
    return float(np.clip(np.dot(first, second), -1, 1))


def limit_of(speech_s: float, false_alarm: float) -> float:
    """The likeness that two strangers reach with this probability; `speech_s` is what the shorter voice was heard for.

    Figures between the measured lengths are interpolated over the logarithm of seconds.
    """
    seconds, means, spreads = map(np.array, zip(*_STRANGERS, strict=True))
    at = np.log(max(speech_s, 1e-3))
    mean, spread = (float(np.interp(at, np.log(seconds), values)) for values in (means, spreads))
    return min(0.99, mean + spread * NormalDist().inv_cdf(1 - false_alarm))
