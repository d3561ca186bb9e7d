"""Labelled clips -> their sound in a condition: telephone, codec, noise, room, overdriven or re-recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from ressenti.pipeline.audio import Samples
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.lab.labelled_speech import acoustics
from ressenti.pipeline.lab.labelled_speech.acoustics import Sound
from ressenti.pipeline.lab.labelled_speech.corpora import Clip
from ressenti.pipeline.lab.labelled_speech.prepare import read

Condition = Literal["clean", "phone", "mp3", "babble", "noise", "alaw", "gsm", "opus", "room", "clip", "pcm", "mp3-128"]
CONDITIONS: tuple[Condition, ...] = (
    "clean",
    "phone",
    "mp3",
    "babble",
    "noise",
    "alaw",
    "gsm",
    "opus",
    "room",
    "clip",
    "pcm",
    "mp3-128",
)
SNR_DB = 10.0  # of babble and noise
T60_S, DIRECT_DB = 0.5, 3.0  # of the room: a living room or office, two metres away
CLIP_DB = 3.0  # clipping level above the level of the speech
FLOOR_DB = 45.0  # below the level of the speech: the white noise of a recorder in a quiet room
_SLOWER = (201, 200)  # half a percent, nine hundredths of a semitone: inaudible
_HIGH_BITS_PER_S = 128_000
_VOICES, _POOL = 6, 24  # voices in the babble, and clips they are drawn from

Voices = Sequence[tuple[tuple[str, str], Sound]]
"""Speakers and their sounds, for babble."""


def voices_for(condition: Condition, clips: Sequence[Clip]) -> Voices:
    """Voices of other speakers that a condition needs; empty if it needs none."""
    if condition != "babble":
        return []
    drawn = [clips[i] for i in np.random.default_rng(0).permutation(len(clips))[:_POOL]]
    return [(clip.who, acoustics.to_float(read(clip))) for clip in drawn]


def in_condition(clip: Clip, condition: Condition, voices: Voices) -> Samples:
    """Samples of a clip in a condition, the same on every call; all clips of a speaker share one room."""
    samples = read(clip)
    if condition == "clean":
        return samples
    sound = acoustics.to_float(samples)
    rng = _rng(clip.path.name)
    if condition == "babble":
        return acoustics.to_int16(_in_babble(clip, sound, voices, rng))
    if condition == "room":
        rng = _rng("/".join(clip.who))
    return acoustics.to_int16(_CHANGES[condition](sound, rng))


def changed(samples: Samples, condition: Condition, seed: str) -> Samples:
    """Samples of any sound in a condition that needs no voices of others, the same for the same seed."""
    return acoustics.to_int16(_CHANGES[condition](acoustics.to_float(samples), _rng(seed)))


def _rng(seed: str) -> np.random.Generator:
    return np.random.default_rng(int(hashlib.sha256(seed.encode()).hexdigest()[:8], 16))


def _in_babble(clip: Clip, sound: Sound, voices: Voices, rng: np.random.Generator) -> Sound:
    others = [voice for who, voice in voices if who != clip.who]
    if not others:
        raise ConfigError(f"babble: {clip.speaker} is the only speaker. Add clips of other speakers.")
    drawn = rng.permutation(len(others))[:_VOICES]
    return acoustics.with_noise(sound, acoustics.babble([others[i] for i in drawn], len(sound), rng), SNR_DB)


def _by_line(codec: acoustics.Codec) -> Callable[[Sound, np.random.Generator], Sound]:
    return lambda sound, _: acoustics.through(acoustics.telephone(sound), codec)


def _recorded_again(sound: Sound, rng: np.random.Generator) -> Sound:
    """Play half a percent slower and record on another device, uncompressed.

    A codec leaves traces: holes in the spectrum, a frame grid and a typical bandwidth. This moves the grid and the band
    and fills the holes, almost inaudibly. What a model still recognises then does not come from these traces.
    """
    from scipy.signal import resample_poly

    slower = resample_poly(sound, *_SLOWER).astype(np.float32)
    return acoustics.with_noise(slower, rng.standard_normal(len(slower)).astype(np.float32), FLOOR_DB)


_CHANGES: dict[Condition, Callable[[Sound, np.random.Generator], Sound]] = {
    "phone": _by_line("mulaw"),
    "mp3": lambda sound, _: acoustics.through(sound, "mp3"),
    "noise": lambda sound, rng: acoustics.with_noise(sound, acoustics.pink_noise(len(sound), rng), SNR_DB),
    "alaw": _by_line("alaw"),
    "gsm": _by_line("gsm"),
    "opus": lambda sound, _: acoustics.through(sound, "opus"),
    "room": lambda sound, rng: acoustics.reverberant(sound, T60_S, DIRECT_DB, rng),
    "clip": lambda sound, _: acoustics.clipped(sound, CLIP_DB),
    "pcm": _recorded_again,
    "mp3-128": lambda sound, _: acoustics.through(sound, "mp3", _HIGH_BITS_PER_S),
}
