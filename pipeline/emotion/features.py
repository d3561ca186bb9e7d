"""Summarise how a stretch sounds as an impression: statistics of voice encoder states (pure).

The voice encoder has one state per 10 ms; an impression summarises them over a stretch. Training and inference use the
same code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.special import expit

from ressenti.pipeline.audio import Samples
from ressenti.pipeline.audio.mel import FloatArray, mel_power
from ressenti.pipeline.models import parallel, voice_encoder

FRAME_S = 0.01
WIDTH = 3 * voice_encoder.WIDTH  # of an impression
_GRID = 32  # frames: stretches are padded to a multiple of this and batched by length, so batching changes nothing
_BATCH = 8  # stretches; more need more memory and are not faster
_SMOOTHED = 51  # frames for smoothing loudness
_LOUD = 0.9  # quantile
_BELOW_DB, _SLOPE_DB = 9.0, 3.0  # level at which frames count half as much as loud ones, and slope


@dataclass(frozen=True)
class Impressions:
    """Impressions of n stretches: `values` (n, 768), and their lengths, `seconds` (n,)."""

    values: FloatArray
    seconds: FloatArray

    def of(self, rows: Sequence[int]) -> Impressions:
        """Select some stretches."""
        return Impressions(self.values[rows], self.seconds[rows])


def mel_of(samples: Samples) -> FloatArray:
    """Mel power (frames, 40) of 16 kHz int16 samples (n,), scaled to the encoder's level."""
    scaled = samples.astype(np.float32) / 32768
    level_db = 10 * float(np.log10(np.mean(scaled * scaled) + 1e-12)) if len(samples) else 0.0
    return mel_power(samples, voice_encoder.BANDS) * np.float32(10 ** ((voice_encoder.LEVEL_DBFS - level_db) / 10))


def impressions(mels: Sequence[FloatArray], report: Callable[[int], None] = lambda count: None) -> Impressions:
    """Impressions of stretches of mel power (frames, 40); `report` is called with the number done after each batch.

    For each of the encoder's 256 states: mean, standard deviation, and mean change from frame to frame, weighted
    towards the loud frames of the stretch.
    """
    by_length: dict[int, list[int]] = defaultdict(list)
    for i, mel in enumerate(mels):
        by_length[-(-len(mel) // _GRID) * _GRID].append(i)
    values = np.zeros((len(mels), WIDTH), np.float32)
    parts = [
        (length, rows[start : start + _BATCH])
        for length, rows in by_length.items()
        for start in range(0, len(rows), _BATCH)
    ]

    def summaries(batch: tuple[int, list[int]]) -> list[FloatArray]:
        length, part = batch
        padded = np.zeros((len(part), length, voice_encoder.BANDS), np.float32)
        for k, i in enumerate(part):
            padded[k, : len(mels[i])] = mels[i]
        found = zip(part, voice_encoder.states(padded), strict=True)
        return [_summary(states[: len(mels[i])], _weights(mels[i])) for i, states in found]

    done = 0
    for (_, part), found in zip(parts, parallel.each(summaries, parts), strict=True):
        values[part] = found
        done += len(part)
        report(done)
    return Impressions(values, np.array([len(mel) * FRAME_S for mel in mels], np.float32))


def together(parts: Sequence[Impressions]) -> Impressions:
    """Concatenate several sets of impressions, in order."""
    values = [np.zeros((0, WIDTH), np.float32), *(part.values for part in parts)]
    seconds = [np.zeros(0, np.float32), *(part.seconds for part in parts)]
    return Impressions(np.concatenate(values), np.concatenate(seconds))


def of_speaker(stretches: Impressions) -> tuple[FloatArray, FloatArray]:
    """Mean impression (1, 768) of all of a speaker's stretches, and their seconds (1, 1)."""
    mean = np.average(stretches.values, axis=0, weights=stretches.seconds)
    return mean[None].astype(np.float32), stretches.seconds.sum(keepdims=True)[None].astype(np.float32)


def _weights(mel: FloatArray) -> FloatArray:
    """Weight of each frame (n,): frames softer than the rest of the stretch are rather background."""
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
