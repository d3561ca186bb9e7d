"""Summarise how a stretch sounds as an impression: statistics of voice encoder states (pure).

The voice encoder has a state per layer and 20 ms; an impression summarises them over a stretch. Training and inference
use the same code.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.special import expit

from ressenti.pipeline.audio import Samples
from ressenti.pipeline.audio.mel import FloatArray, mel_power
from ressenti.pipeline.models import parallel, voice_encoder

MEL_FRAME_S = 0.01
WIDTH = 2 * voice_encoder.LAYERS * voice_encoder.WIDTH  # of an impression
_GRID = 32  # frames: parts are padded to a multiple of this and batched by length
_BATCH = 8  # stretches; more need more memory and are not faster
_SMOOTHED = 51  # frames for smoothing loudness
_LOUD = 0.9  # quantile
_BELOW_DB, _SLOPE_DB = 9.0, 3.0  # level at which frames count half as much as loud ones, and slope


@dataclass(frozen=True)
class Impressions:
    """Impressions of n stretches: `values` (n, 3072), and their lengths, `seconds` (n,)."""

    values: FloatArray
    seconds: FloatArray

    def of(self, rows: Sequence[int]) -> Impressions:
        """Select some stretches."""
        return Impressions(self.values[rows], self.seconds[rows])


def mel_of(samples: Samples) -> FloatArray:
    """Mel power (frames, 80) of 16 kHz int16 samples (n,), scaled to the encoder's level."""
    scaled = samples.astype(np.float32) / 32768
    level_db = 10 * float(np.log10(np.mean(scaled * scaled) + 1e-12)) if len(samples) else 0.0
    return mel_power(samples, voice_encoder.BANDS) * np.float32(10 ** ((voice_encoder.LEVEL_DBFS - level_db) / 10))


def impressions(mels: Sequence[FloatArray], report: Callable[[int], None] = lambda count: None) -> Impressions:
    """Impressions of stretches of mel power (frames, 80); `report` is called with the number done after each batch.

    For each of the encoder's 512 states in each of its three layers: mean and standard deviation over the stretch,
    weighted towards its loud frames. What is longer than 30 s passes the encoder in equal parts.
    """
    parts = [(i, *part) for i, mel in enumerate(mels) for part in _parts(mel)]
    by_length: dict[int, list[int]] = defaultdict(list)
    for k, (_, mel, _) in enumerate(parts):
        by_length[-(-len(mel) // _GRID) * _GRID].append(k)
    batches = [rows[at : at + _BATCH] for rows in by_length.values() for at in range(0, len(rows), _BATCH)]
    sums = np.zeros((len(mels), 1 + WIDTH))
    done = 0
    for rows, found in zip(
        batches, parallel.each(lambda rows: _sums([parts[k][1:] for k in rows]), batches), strict=True
    ):
        for k, own in zip(rows, found, strict=True):
            sums[parts[k][0]] += own
        done += len(rows)
        report(len(mels) * done // len(parts))
    mean, square = np.split(sums[:, 1:] / np.maximum(sums[:, :1], 1e-12), 2, axis=1)
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    seconds = np.array([len(mel) * MEL_FRAME_S for mel in mels], np.float32)
    return Impressions(np.concatenate([mean, spread], axis=1).astype(np.float32), seconds)


def together(parts: Sequence[Impressions]) -> Impressions:
    """Concatenate several sets of impressions, in order."""
    values = [np.zeros((0, WIDTH), np.float32), *(part.values for part in parts)]
    seconds = [np.zeros(0, np.float32), *(part.seconds for part in parts)]
    return Impressions(np.concatenate(values), np.concatenate(seconds))


def of_speaker(stretches: Impressions) -> tuple[FloatArray, FloatArray]:
    """Mean impression (1, 3072) of all of a speaker's stretches, and their seconds (1, 1)."""
    mean = np.average(stretches.values, axis=0, weights=stretches.seconds)
    return mean[None].astype(np.float32), stretches.seconds.sum(keepdims=True)[None].astype(np.float32)


_Part = tuple[FloatArray, FloatArray]  # mel power (frames, 80), and weights of its frames


def _parts(mel: FloatArray) -> list[_Part]:
    """A stretch in as few equal parts as the encoder can take, each with an even number of frames."""
    frames = len(mel) // 2 * 2
    count = max(1, -(-frames // voice_encoder.MOST_FRAMES))
    edges = [frames // 2 * k // count * 2 for k in range(count + 1)]
    weights = _weights(mel)
    return [(mel[start:end], weights[start:end]) for start, end in itertools.pairwise(edges)]


def _sums(parts: Sequence[_Part]) -> list[FloatArray]:
    """Of each part: the sum of its weights, and the weighted sums of its states and of their squares, (1 + 3072,)."""
    frames = np.array([len(mel) for mel, _ in parts])
    longest = min(max(2, -(-int(frames.max()) // _GRID) * _GRID), voice_encoder.MOST_FRAMES)
    padded = np.zeros((len(parts), longest, voice_encoder.BANDS), np.float32)
    for row, (mel, _) in zip(padded, parts, strict=True):
        row[: len(mel)] = voice_encoder.log_mel(mel)
    layers = voice_encoder.states(padded, frames)
    out = []
    for k, (mel, weights) in enumerate(parts):
        states = np.concatenate([layer[k, : len(mel) // 2] for layer in layers], axis=1)
        own = weights[: len(mel) : 2]
        out.append(np.concatenate([own.sum(keepdims=True), own @ states, own @ states**2]))
    return out


def _weights(mel: FloatArray) -> FloatArray:
    """Weight of each frame (n,): frames softer than the rest of the stretch are rather background."""
    power = uniform_filter1d(mel.sum(axis=1), _SMOOTHED, mode="nearest")
    level_db = 10 * np.log10(power + np.float32(1e-12))
    weights: FloatArray = expit((level_db - np.quantile(level_db, _LOUD) + _BELOW_DB) / _SLOPE_DB).astype(np.float32)
    return weights
