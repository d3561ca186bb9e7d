"""Frames of a clip -> the same as another time, through another line and from another throat (seeded by the caller)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.emotion import features
from pipeline.emotion.features import Frames
from pipeline.mel import FloatArray
from pipeline.training import corpora
from pipeline.training.material import Material

_DB = np.log(10) / 10  # in natural logarithms of power


def vocal_effort(material: Material, clips: Sequence[int], by_tilt: float, by_arousal: float) -> dict[int, np.float32]:
    """What is added to log-mel power of clips whose level says nothing, as their makers made them all alike.

    Who speaks with more effort, or more aroused, is louder and has a flatter spectrum (Traunmüller & Eriksson 2000;
    Goudbeek & Scherer 2010): level comes back from the clip's tilt, in dB for each dB, and from its arousal, in dB for
    each unit, both against the speaker's mean.
    """
    by_speaker: dict[tuple[str, str], list[int]] = {}
    for i in clips:
        by_speaker.setdefault(material.clips[i].who, []).append(i)
    out: dict[int, np.float32] = {}
    for own in by_speaker.values():
        found = [features.speaker_baseline(material.frames(i), None) for i in own]
        level, tilt = (np.array([getattr(b, name) for b in found]) for name in ("level", "tilt"))
        arousal = np.array([corpora.VALENCE_AROUSAL[material.clips[i].emotion][1] for i in own])
        effort = by_tilt * (tilt - tilt.mean()) + by_arousal * _DB * (arousal - arousal.mean())
        out |= dict(zip(own, (level.mean() - level + effort).astype(np.float32), strict=True))
    return out


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


def random_masks(bands: FloatArray, contours: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """SpecAugment: one stretch of bands and one of frames set to the baseline (Park et al. 2019)."""
    bands, contours = bands.copy(), contours.copy()
    width = int(rng.integers(0, 12))
    at = int(rng.integers(0, bands.shape[1] - width + 1))
    bands[:, at : at + width] = 0
    length = int(rng.integers(0, max(1, len(bands) // 6)))
    start = int(rng.integers(0, len(bands) - length + 1))
    bands[start : start + length] = 0
    contours[start : start + length] = 0
    return bands, contours
