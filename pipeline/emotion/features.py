"""Samples -> an impression of how a stretch sounds, and how it differs from the speaker's own baseline (pure).

The voice encoder hears 10 ms at a time; an impression sums that up over a stretch. The same code prepares training and
inference. A speaker's baseline is blended with the population's, the more so the less speech there is of him or her.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.special import expit

from pipeline import voice
from pipeline.audio import Samples
from pipeline.mel import FloatArray, mel_power

FRAME_S = 0.01
WIDTH = 3 * voice.WIDTH  # of an impression
BLEND_S = 6.0  # seconds of speech at which own and population baselines weigh the same
_GRID = (
    32  # frames: stretches are padded to a multiple of this and batched with their like, so batching changes nothing
)
_BATCH = 32
_SMOOTHED = 51  # frames over which loudness is taken
_LOUD = 0.9  # quantile
_BELOW_DB, _SLOPE_DB = 9.0, 3.0  # where frames count half as much as loud ones, and how fast that falls


@dataclass(frozen=True)
class Impressions:
    """What was heard of n stretches: `values` (n, 768), and how long each is, `seconds` (n,)."""

    values: FloatArray
    seconds: FloatArray

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Population:
    """How impressions of speakers lie: the mean speaker, and the spread within one, each of shape (768,)."""

    mean: FloatArray
    sd: FloatArray


def mel_of(samples: Samples) -> FloatArray:
    """Mel power (frames, 40) of 16 kHz int16 samples (n,), as if the stretch had the encoder's level."""
    scaled = samples.astype(np.float32) / 32768
    level_db = 10 * float(np.log10(np.mean(scaled * scaled) + 1e-12)) if len(samples) else 0.0
    return mel_power(samples, voice.BANDS) * np.float32(10 ** ((voice.LEVEL_DBFS - level_db) / 10))


def impressions(mels: Sequence[FloatArray]) -> Impressions:
    """Impressions of stretches of mel power (frames, 40).

    Of each of the encoder's 256 states: its mean, its standard deviation, and how much it changes from frame to frame,
    by frames that are loud within the stretch.
    """
    by_length: dict[int, list[int]] = defaultdict(list)
    for i, mel in enumerate(mels):
        by_length[-(-len(mel) // _GRID) * _GRID].append(i)
    values = np.zeros((len(mels), WIDTH), np.float32)
    for length, rows in by_length.items():
        for start in range(0, len(rows), _BATCH):
            part = rows[start : start + _BATCH]
            padded = np.zeros((len(part), length, voice.BANDS), np.float32)
            for k, i in enumerate(part):
                padded[k, : len(mels[i])] = mels[i]
            for i, states in zip(part, voice.states(padded), strict=True):
                values[i] = _summary(states[: len(mels[i])], _weights(mels[i]))
    return Impressions(values, np.array([len(mel) * FRAME_S for mel in mels], np.float32))


def speaker_baseline(heard: Impressions, population: Population, trust: float = 1.0) -> tuple[FloatArray, float]:
    """A speaker's mean impression (768,), blended with the population's, and the seconds of speech behind it.

    `trust` counts each second so many times; training varies it, to know long conversations too.
    """
    seconds = float(heard.seconds.sum()) * trust
    own = np.float32(seconds / (seconds + BLEND_S))
    mean = np.average(heard.values, axis=0, weights=heard.seconds).astype(np.float32)
    return own * mean + (1 - own) * population.mean, seconds


def normalise(values: FloatArray, baseline: FloatArray, population: Population) -> FloatArray:
    """How impressions (n, 768) differ from a baseline (768,) or one each (n, 768), in spreads within a speaker."""
    out: FloatArray = (values - baseline) / population.sd
    return out


def _weights(mel: FloatArray) -> FloatArray:
    """How much each frame (n,) counts: what is soft beside the rest of the stretch is rather what lies behind it."""
    power = uniform_filter1d(mel.sum(axis=1), _SMOOTHED, mode="nearest")
    level_db = 10 * np.log10(power + np.float32(1e-12))
    weights: FloatArray = expit((level_db - np.quantile(level_db, _LOUD) + _BELOW_DB) / _SLOPE_DB).astype(np.float32)
    return weights


def _summary(states: FloatArray, weights: FloatArray) -> FloatArray:
    share = weights / weights.sum()
    mean = share @ states
    spread = np.sqrt(np.maximum(share @ states**2 - mean**2, 0))
    change = share[1:] @ np.abs(np.diff(states, axis=0))
    return np.concatenate([mean, spread, change])
