"""Synthetic sound that is not speech, or barely: to test whether an emotion model comes out unsure.

All sounds are seeded float32 samples (n,) at 16 kHz, at the level of typical recordings.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ressenti.pipeline.audio import RATE_HZ
from ressenti.pipeline.lab.labelled_speech import acoustics
from ressenti.pipeline.lab.labelled_speech.acoustics import Sound

SECONDS = 24
LEVEL_DBFS = -26.0
_FORMANTS_HZ = {  # of vowels, the first three (Peterson & Barney 1952, men)
    "a": (730, 1_090, 2_440),
    "e": (530, 1_840, 2_480),
    "i": (270, 2_290, 3_010),
    "o": (570, 840, 2_410),
    "u": (300, 870, 2_240),
}
_COUNT = SECONDS * RATE_HZ


def generated() -> dict[str, Sound]:
    """All sounds by name, the same on every call."""
    made = {name: make(np.random.default_rng([7, k])) for k, (name, make) in enumerate(_KINDS.items())}
    return {
        name: sound if name == "silence" else acoustics.at_level(sound, LEVEL_DBFS).astype(np.float32)
        for name, sound in made.items()
    }


def _times() -> np.ndarray:
    return np.arange(_COUNT) / RATE_HZ


def _white(rng: np.random.Generator) -> Sound:
    return rng.standard_normal(_COUNT).astype(np.float32)


def _pink(rng: np.random.Generator) -> Sound:
    return acoustics.pink_noise(_COUNT, rng)


def _hum(rng: np.random.Generator) -> Sound:
    """Mains hum: 50 Hz and its harmonics."""
    t = _times()
    parts = [np.sin(2 * np.pi * 50 * k * t + rng.uniform(0, 6)) / k for k in range(1, 12)]
    sound: Sound = np.sum(parts, axis=0).astype(np.float32)
    return sound


def _tone(_: np.random.Generator) -> Sound:
    return np.sin(2 * np.pi * 440 * _times()).astype(np.float32)


def _sweep(_: np.random.Generator) -> Sound:
    """A sweep from 100 to 4,000 Hz, repeated every six seconds."""
    place = (_times() % 6) / 6
    return np.sin(2 * np.pi * np.cumsum(100 * 40**place) / RATE_HZ).astype(np.float32)


def _ringing(_: np.random.Generator) -> Sound:
    """A ringing tone: 425 Hz, one second in five."""
    t = _times()
    return (np.sin(2 * np.pi * 425 * t) * (t % 5 < 1)).astype(np.float32)


def _chords(rng: np.random.Generator) -> Sound:
    """Four plucked chords at 120 beats per minute, with a drum on each beat."""
    sound = np.zeros(_COUNT, np.float32)
    beat = RATE_HZ // 2
    t = np.arange(beat) / RATE_HZ
    drum = rng.standard_normal(beat) * np.exp(-t * 40) + 2 * np.sin(2 * np.pi * 60 * t) * np.exp(-t * 15)
    for k in range(_COUNT // beat):
        root = (0, 5, 7, 0)[k // 4 % 4]
        chord = [220 * 2 ** ((root + step) / 12) for step in (0, 4, 7, 12)]
        plucked = [np.sin(2 * np.pi * hz * h * t) / h * np.exp(-t * 3 * h) for hz in chord for h in range(1, 6)]
        sound[k * beat : (k + 1) * beat] = np.sum(plucked, axis=0) + drum
    return sound


def _clicks(rng: np.random.Generator) -> Sound:
    """About three clicks per second, each a millisecond long, in silence."""
    sound = np.zeros(_COUNT, np.float32)
    for at in rng.integers(0, _COUNT - 16, size=3 * SECONDS):
        sound[at : at + 16] += rng.standard_normal(16).astype(np.float32)
    return sound


def _synthetic_voice(rng: np.random.Generator) -> Sound:
    """Vowels of a source-filter synthesizer, in syllables, with a random melody."""
    from scipy.signal import lfilter

    sound = np.zeros(_COUNT, np.float64)
    at = 0
    base_hz = float(rng.uniform(95, 210))
    while at < _COUNT - RATE_HZ // 2:
        count = int(rng.uniform(0.12, 0.35) * RATE_HZ)
        hz = base_hz * 2 ** (rng.normal(0, 2) / 12) * np.linspace(1, rng.uniform(0.85, 1.1), count)
        pulses = np.diff(np.floor(np.cumsum(hz) / RATE_HZ), prepend=0.0)
        voice = lfilter([1], [1, -0.96], pulses) + 0.01 * rng.standard_normal(count)
        for formant_hz in _FORMANTS_HZ[str(rng.choice(list(_FORMANTS_HZ)))]:
            radius = np.exp(-np.pi * 90 / RATE_HZ)
            voice = lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * formant_hz / RATE_HZ), radius**2], voice)
        sound[at : at + count] = voice / max(np.abs(voice).max(), 1e-9) * np.hanning(count)
        at += count + int(rng.choice([0.02, 0.05, 0.4], p=[0.5, 0.4, 0.1]) * RATE_HZ)
    return sound.astype(np.float32)


def _babble(rng: np.random.Generator) -> Sound:
    return acoustics.babble([_synthetic_voice(rng) for _ in range(6)], _COUNT, rng)


def _silence(rng: np.random.Generator) -> Sound:
    """A room without speech, 75 dB below full scale."""
    return acoustics.pink_noise(_COUNT, rng) * np.float32(10 ** (-75 / 20))


_KINDS: dict[str, Callable[[np.random.Generator], Sound]] = {
    "silence": _silence,
    "white noise": _white,
    "pink noise": _pink,
    "mains hum": _hum,
    "tone": _tone,
    "sweep": _sweep,
    "ringing": _ringing,
    "chords with a beat": _chords,
    "clicks": _clicks,
    "synthetic vowels": _synthetic_voice,
    "synthetic babble": _babble,
}
