"""Clean speech -> the same speech as recordings contain it: telephone, codecs, noise, other voices, a room.

Training uses every clip in each of these versions, made with the real codecs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ressenti.pipeline.lab.labelled_speech import acoustics
from ressenti.pipeline.lab.labelled_speech.acoustics import Sound

SHARES = {
    "clean": 0.27,
    "mulaw": 0.09,
    "alaw": 0.06,
    "gsm": 0.06,
    "lossy": 0.09,
    "noise": 0.10,
    "babble": 0.18,
    "noisy_line": 0.09,
    "room": 0.06,
}
"""Weight of each version in training."""

_VOICE_DBFS = -20.0


def surrounded(sound: Sound, voices: Sequence[Sound], rng: np.random.Generator) -> dict[str, Sound]:
    """Every version in `SHARES` of a sound (n,), each (n,); `voices` are levelled voices for babble, or none."""
    line = acoustics.telephone(sound)
    background = _background(len(sound), voices, rng)
    noisy = acoustics.with_noise(sound, _either(len(sound), voices, rng), rng.uniform(8, 25))
    room = acoustics.reverberant(sound, rng.uniform(0.2, 0.6), rng.uniform(0, 12), rng)
    return {
        "clean": sound,
        "mulaw": acoustics.through(_at_some_level(line, rng), "mulaw"),
        "alaw": acoustics.through(_at_some_level(line, rng), "alaw"),
        "gsm": acoustics.through(_at_some_level(line, rng), "gsm"),
        "lossy": acoustics.through(sound, "opus" if rng.random() < 0.5 else "mp3"),
        "noise": acoustics.with_noise(sound, acoustics.pink_noise(len(sound), rng), rng.uniform(5, 25)),
        "babble": acoustics.with_noise(sound, background, rng.uniform(5, 20)),
        "noisy_line": acoustics.through(acoustics.telephone(noisy), "mulaw" if rng.random() < 0.5 else "alaw"),
        "room": acoustics.with_noise(room, acoustics.pink_noise(len(sound), rng), rng.uniform(15, 35)),
    }


def levelled(sound: Sound) -> Sound:
    """Scale a background voice to the level of the others."""
    return acoustics.at_level(sound, _VOICE_DBFS)


def _at_some_level(sound: Sound, rng: np.random.Generator) -> Sound:
    return sound * np.float32(10 ** (rng.uniform(-10, 3) / 20))


def _either(length: int, voices: Sequence[Sound], rng: np.random.Generator) -> Sound:
    return _background(length, voices, rng) if rng.random() < 0.5 else acoustics.pink_noise(length, rng)


def _background(length: int, voices: Sequence[Sound], rng: np.random.Generator) -> Sound:
    """Three to seven voices at once, each from a random start; pink noise if there are no voices."""
    if not voices:
        return acoustics.pink_noise(length, rng)
    out = np.zeros(length, np.float32)
    for i in rng.permutation(len(voices))[: int(rng.integers(3, 8))]:
        start = int(rng.integers(len(voices[i])))
        out += np.take(voices[i], np.arange(start, start + length), mode="wrap")
    return out
