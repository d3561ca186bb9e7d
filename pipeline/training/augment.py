"""Frames of a clip -> the same as another time, through another line and from another throat (seeded by the caller)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.emotion import features
from pipeline.emotion.features import Frames
from pipeline.mel import FloatArray

_DB = np.log(10) / 10  # in natural logarithms of power


@dataclass(frozen=True)
class Channel:
    """One equaliser, and a shift of the spectrum as of another vocal tract: `low` and `share` say from which bands."""

    response: FloatArray
    low: np.ndarray
    share: FloatArray

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Channel:
        """A random channel: within some 4 dB, and 8 % of the bands."""
        bands = np.arange(features.BANDS)
        response = np.interp(bands, np.linspace(0, len(bands) - 1, 6), rng.normal(0, 4, size=6)) * _DB
        warp = np.clip(bands * rng.uniform(0.92, 1.08) + rng.uniform(-0.5, 0.5), 0, len(bands) - 1)
        low = np.floor(warp).astype(int)
        return cls(response.astype(np.float32), low, (warp - low).astype(np.float32))

    def of(self, frames: Frames) -> Frames:
        """Frames as heard through it."""
        high = np.minimum(self.low + 1, features.BANDS - 1)
        mel = frames.mel[:, self.low] * (1 - self.share) + frames.mel[:, high] * self.share + self.response
        return Frames(mel.astype(np.float32), frames.prosody)

    def of_clip(self, frames: Frames, rng: np.random.Generator, level_sd: float) -> Frames:
        """Frames of a clip as heard through it, with a small change of tempo and level of its own."""
        count = max(8, round(len(frames) * rng.uniform(0.9, 1.1)))
        at = np.linspace(0, len(frames) - 1, count).round().astype(int)
        louder = np.float32(rng.normal(0, level_sd) * _DB)
        return self.of(Frames(frames.mel[at] + louder, frames.prosody[at]))


def spec_augment(bands: FloatArray, contours: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """One stretch of bands and one of frames set to the baseline (Park et al. 2019)."""
    bands, contours = bands.copy(), contours.copy()
    width = int(rng.integers(0, 12))
    at = int(rng.integers(0, bands.shape[1] - width + 1))
    bands[:, at : at + width] = 0
    length = int(rng.integers(0, max(1, len(bands) // 6)))
    start = int(rng.integers(0, len(bands) - length + 1))
    bands[start : start + length] = 0
    contours[start : start + length] = 0
    return bands, contours
