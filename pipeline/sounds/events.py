"""Probabilities of classes every 0.48 s -> sounds with start and end (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.config import SoundOptions
from ressenti.pipeline.models import yamnet
from ressenti.pipeline.records import Sound, SoundKind
from ressenti.pipeline.sounds.interface import Span

Mask = npt.NDArray[np.bool_]
_SINGING = ("Singing", "Choir", "Yodeling", "Chant", "Mantra", "Synthetic singing", "Humming")
_FIRST_MUSIC, _LAST_MUSIC = "Music", "Scary music"  # AudioSet lists all music and instruments between these
_TONES = (
    *("Telephone", "Telephone bell ringing", "Ringtone", "Telephone dialing, DTMF", "Dial tone", "Busy signal"),
    *("Beep, bleep", "Sine wave", "Alarm", "Alarm clock", "Buzzer", "Ding", "Ping", "Chime"),
)
_VOCAL: Mapping[SoundKind, tuple[str, ...]] = {
    "laughter": ("Laughter", "Baby laughter", "Giggle", "Snicker", "Belly laugh", "Chuckle, chortle"),
    "crying": ("Crying, sobbing", "Baby cry, infant cry", "Whimper", "Wail, moan"),
    "sigh": ("Sigh",),
    "cough": ("Cough",),
    "throat": ("Throat clearing",),
    "sneeze": ("Sneeze",),
    "shout": ("Shout", "Bellow", "Whoop", "Yell", "Screaming"),
}
_SPEECH = "Speech"
_SURE_TONE = 0.5  # of a tone that is heard in one or two patches alone
_LONGEST_VOCAL_S = 15.0  # a longer one is cut, so that one doubtful mark never takes a whole turn
_EDGE_S = (yamnet.PATCH_S - yamnet.STEP_S) / 2  # a patch says most about its middle


@cache
def indices_of(kind: str) -> tuple[int, ...]:
    """Indices of the classes that make up a kind of sound, or `speech`."""
    names = yamnet.class_names()
    if kind == "speech":
        return (names.index(_SPEECH),)
    if kind == "music":
        first, last = names.index(_FIRST_MUSIC), names.index(_LAST_MUSIC)
        bells = {names.index(name) for name in _TONES if first <= names.index(name) <= last}
        return (*(k for k in range(first, last + 1) if k not in bells), *(names.index(name) for name in _SINGING))
    wanted = _TONES if kind == "tone" else _VOCAL[kind]  # type: ignore[index]
    return tuple(names.index(name) for name in wanted)


def probability_of(kind: str, probabilities: FloatArray) -> FloatArray:
    """Probability (n,) of a kind of sound: the highest among its classes, from (n, 521)."""
    highest: FloatArray = probabilities[:, list(indices_of(kind))].max(axis=1, initial=0.0)
    return highest


def played_in(
    probabilities: FloatArray, duration_s: float, options: SoundOptions, channel: int = 1
) -> tuple[Sound, ...]:
    """Music and tones, in order of time; never where speech is probable."""
    quiet = probability_of("speech", probabilities) < options.speech_below
    music, tone = probability_of("music", probabilities), probability_of("tone", probabilities)
    is_tone = quiet & (tone >= options.tone_on) & (tone >= music)
    is_music = quiet & (music >= options.music_on) & ~is_tone
    gap = round(options.music_gap_s / yamnet.STEP_S)
    is_music = _bridged(is_music, quiet & ~is_tone, gap)
    is_tone = _bridged(is_tone, quiet & ~is_music, gap)
    shortest = max(1, round(options.min_music_s / yamnet.STEP_S))
    found = _sounds("music", is_music, music, shortest, duration_s, channel)
    found += [
        s
        for s in _sounds("tone", is_tone, tone, 1, duration_s, channel)
        if s.end_s - s.start_s > 2 * yamnet.STEP_S or s.confidence >= _SURE_TONE
    ]
    return tuple(sorted(found, key=lambda s: (s.start_s, s.kind)))


def vocal_in(
    probabilities: FloatArray, duration_s: float, options: SoundOptions, channel: int = 1
) -> tuple[Sound, ...]:
    """What voices do besides speaking, in order of time; one kind at a time, the likeliest by its own limit."""
    limits = options.vocal_on
    strength = {kind: probability_of(kind, probabilities) / max(limits[kind], 1e-6) for kind in _VOCAL}
    most = np.max(np.stack(list(strength.values())), axis=0)
    found = []
    for kind, own in strength.items():
        here = (own >= 1) & (own >= most)
        found += _sounds(kind, here, own * np.float32(limits[kind]), 1, duration_s, channel)
    return tuple(sorted(found, key=lambda s: (s.start_s, s.kind)))


def _bridged(there: Mask, may: Mask, most: int) -> Mask:
    """Join runs across at most `most` places in between that `may` belong to them."""
    out = there.copy()
    last = None
    for k in np.flatnonzero(there):
        if last is not None and 1 < k - last <= most + 1 and may[last + 1 : k].all():
            out[last:k] = True
        last = int(k)
    return out


def _sounds(
    kind: SoundKind, there: Mask, strength: FloatArray, shortest: int, duration_s: float, channel: int
) -> list[Sound]:
    found = []
    most = round(_LONGEST_VOCAL_S / yamnet.STEP_S) if kind in _VOCAL else len(there)
    for first, after in runs(there):
        if after - first < shortest:
            continue
        for begin in range(first, after, max(1, most)):
            last = min(after, begin + most)
            start_s, end_s = span_of(begin, last, duration_s)
            if end_s > start_s:
                sure = float(np.clip(strength[begin:last].max(), 0, 1))
                found.append(Sound(kind, start_s, end_s, round(sure, 3), channel))
    return found


def runs(there: Sequence[bool] | Mask) -> list[tuple[int, int]]:
    """First place of each run, and the place after it."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], np.asarray(there, dtype=np.int8), [0]))))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def span_of(first: int, after: int, duration_s: float) -> Span:
    """Start and end (s) of patches `first` to `after` - 1; the first patch of a recording counts from its start."""
    start_s = 0.0 if first == 0 else first * yamnet.STEP_S + _EDGE_S
    return round(start_s, 3), round(min(after * yamnet.STEP_S + _EDGE_S, duration_s), 3)
