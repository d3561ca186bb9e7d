"""Samples -> log-mel and prosody, normalised by the speaker's own baseline within the conversation (pure).

The same code prepares training and inference. A speaker's baseline is blended with the population's, the more so
the less speech there is of him or her.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.emotion.prosody import prosody
from pipeline.mel import FloatArray, mel_power

BANDS = 64
LOW_HZ, HIGH_HZ = 60.0, 7_600.0
FRAME_S = 0.01
FLOOR = 1e-7  # of the speaker's mean power: what lies 70 dB below it is floor
BLEND_S = 10.0  # seconds of speech at which own and population statistics weigh the same
CONTOURS = 4  # pitch, voicing, tilt, loudness


@dataclass(frozen=True)
class Frames:
    """What is heard of a stretch of sound each 10 ms: logarithm of mel power (n, 64), and prosody (n, 3)."""

    mel: FloatArray
    prosody: FloatArray

    def __len__(self) -> int:
        return len(self.mel)


@dataclass(frozen=True)
class Baseline:
    """How a speaker usually sounds.

    Mean and standard deviation of log-mel power per band, shape (64,), relative to `level`, the logarithm of the mean
    power; `pitch` in octaves and spectral `tilt` of the voiced frames.
    """

    mean: FloatArray
    sd: FloatArray
    pitch: float
    tilt: float
    level: float = 0.0


def frames_of(samples: np.ndarray) -> Frames:
    """Frames of 16 kHz int16 samples (n,)."""
    mel = np.log(mel_power(samples, BANDS, LOW_HZ, HIGH_HZ) + np.float32(1e-12))
    return Frames(mel, prosody(samples))


def joined(parts: Sequence[Frames]) -> Frames:
    """All frames of several stretches."""
    return Frames(np.concatenate([part.mel for part in parts]), np.concatenate([part.prosody for part in parts]))


def speaker_baseline(frames: Frames, population: Baseline | None, trust: float = 1.0) -> Baseline:
    """A speaker's baseline from all frames of him or her, blended with the population's if there is one.

    `trust` counts each second of speech so many times; training varies it, to know long conversations too.
    """
    level = float(np.log(np.exp(frames.mel).mean(dtype=np.float64)))
    heard = relative(frames.mel, level)
    mean, variance = heard.mean(axis=0), heard.var(axis=0)
    voiced = frames.prosody[:, 1] ** 4 + np.float32(1e-6)
    pitch, tilt = (float(np.average(frames.prosody[:, k], weights=voiced)) for k in (0, 2))
    if population is not None:
        heard_s = len(frames) * FRAME_S * trust
        own = heard_s / (heard_s + BLEND_S)
        mean = own * mean + (1 - own) * population.mean
        variance = own * variance + (1 - own) * population.sd**2
        pitch = own * pitch + (1 - own) * population.pitch
        tilt = own * tilt + (1 - own) * population.tilt
    return Baseline(mean.astype(np.float32), np.sqrt(variance).astype(np.float32), pitch, tilt, level)


def normalise(frames: Frames, baseline: Baseline) -> tuple[FloatArray, FloatArray]:
    """Features of one stretch: how it differs from the speaker's baseline, (n, 64) bands and (n, 4) contours.

    Bands are in standard deviations; contours are pitch in half octaves where there is voice, voicing, tilt where there
    is sound, and loudness, each scaled to about one.
    """
    bands = ((relative(frames.mel, baseline.level) - baseline.mean) / baseline.sd).astype(np.float32)
    pitch, voicing, tilt = frames.prosody.T
    loudness = np.log(np.exp(frames.mel - np.float32(baseline.level)).mean(axis=1) + np.float32(1e-5))
    contours = np.stack(
        [
            (pitch - baseline.pitch) * 2 * np.clip((voicing - 0.35) / 0.3, 0, 1),
            (voicing - 0.5) * 2,
            (tilt - baseline.tilt) / 2 * np.clip(bands.mean(axis=1) + 1.5, 0, 1),
            (loudness + 2) / 3,
        ],
        axis=1,
    )
    return bands, contours.astype(np.float32)


def relative(mel: FloatArray, level: float) -> FloatArray:
    """Log-mel power (n, 64) relative to a speaker's level, floored."""
    relative: FloatArray = np.logaddexp(mel - np.float32(level), np.float32(np.log(FLOOR)))
    return relative
