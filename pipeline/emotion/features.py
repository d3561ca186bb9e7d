"""Samples -> log-mel features, normalised by the speaker's own baseline within the conversation (pure).

The same code prepares training and inference. A speaker's baseline is blended with the population's, the more so
the less speech there is of him or her.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.mel import FloatArray, mel_power

BANDS = 64
LOW_HZ, HIGH_HZ = 60.0, 7_600.0
FRAME_S = 0.01
FLOOR = 1e-7  # of the speaker's mean power: what lies 70 dB below it is floor
BLEND_S = 10.0  # seconds of speech at which own and population statistics weigh the same


@dataclass(frozen=True)
class Baseline:
    """Mean and standard deviation of log-mel power per band, shape (64,), and the speaker's mean power `level`."""

    mean: FloatArray
    sd: FloatArray
    level: float = 1.0


def power(samples: np.ndarray) -> FloatArray:
    """Mel power of 16 kHz int16 samples (n,), shape (frames, 64)."""
    return mel_power(samples, BANDS, LOW_HZ, HIGH_HZ)


def log_power(mel: FloatArray, level: float) -> FloatArray:
    """Natural logarithm of mel power relative to a speaker's level, floored."""
    logarithm: FloatArray = np.log(mel / np.float32(max(level, 1e-12)) + np.float32(FLOOR))
    return logarithm


def speaker_baseline(mels: Sequence[FloatArray], population: Baseline, trust: float = 1.0) -> Baseline:
    """A speaker's baseline from the mel power of all excerpts, each (frames, 64), blended with the population's.

    `trust` counts each second of speech so many times; training varies it, to know long conversations too.
    """
    level = float(np.mean(np.concatenate([m.mean(axis=1) for m in mels])))
    frames = np.concatenate([log_power(m, level) for m in mels])
    heard_s = len(frames) * FRAME_S * trust
    weight = heard_s / (heard_s + BLEND_S)
    mean = weight * frames.mean(axis=0) + (1 - weight) * population.mean
    variance = weight * frames.var(axis=0) + (1 - weight) * population.sd**2
    return Baseline(mean.astype(np.float32), np.sqrt(variance).astype(np.float32), level)


def normalise(mel: FloatArray, baseline: Baseline) -> FloatArray:
    """Features (frames, 64) of one excerpt: how it differs from the speaker's baseline, in standard deviations."""
    return ((log_power(mel, baseline.level) - baseline.mean) / baseline.sd).astype(np.float32)
