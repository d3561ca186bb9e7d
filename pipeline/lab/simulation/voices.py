"""Clips -> utterances with frame-accurate speech boundaries, found by energy and not by a model of the product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ressenti.pipeline.audio import RATE_HZ
from ressenti.pipeline.config import AffectOptions
from ressenti.pipeline.lab.labelled_speech.acoustics import Sound, active_power, to_float
from ressenti.pipeline.lab.labelled_speech.corpora import VALENCE_AROUSAL, Clip
from ressenti.pipeline.lab.labelled_speech.prepare import read
from ressenti.pipeline.records import CLASSES

_FRAME = RATE_HZ // 100
_FILL_S, _SHORTEST_S, _LONGEST_S, _PAD_S = 0.3, 0.15, 6.0, 0.02
LEVEL_DBFS = -26.0  # median level of a voice's clips
_QUIET_S = 0.15  # an utterance is cut at the quietest moment so far around
_KEPT = 0.3  # of level differences: actors' whispers and shouts differ by 30 dB, recorders level that (ours)

Stretch = tuple[float, float]


@dataclass(frozen=True)
class Utterance:
    """Sound from the first to the last speech; `stretches` (start_s, end_s) are speech, the rest is pause.

    `label` is the class, or empty if there is none or it is unknown; valence and arousal are None if unknown.
    """

    sound: Sound
    stretches: tuple[Stretch, ...]
    emotion: str
    label: str
    valence: float | None
    arousal: float | None
    source: str

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.sound) / RATE_HZ


@dataclass(frozen=True)
class Voice:
    """A speaker and their utterances, at the same level as other voices."""

    name: str
    utterances: tuple[Utterance, ...]

    @property
    def duration_s(self) -> float:
        """Total length of the utterances in seconds."""
        return sum(u.duration_s for u in self.utterances)


def make_voice(clips: Sequence[Clip]) -> Voice:
    """All utterances of one speaker at a common level; part of the level differences between clips remains."""
    sounds = [to_float(read(clip)) for clip in clips]
    levels = 10 * np.log10(np.maximum([active_power(sound) for sound in sounds], 1e-12))
    gains = LEVEL_DBFS + _KEPT * (levels - np.median(levels)) - levels
    made = [
        u
        for clip, sound, gain in zip(clips, sounds, gains.tolist(), strict=True)
        for u in utterances_of(clip, sound * np.float32(10 ** (gain / 20)))
    ]
    return Voice(name_of(clips[0].who), tuple(made))


def shortened(utterance: Utterance, length_s: float) -> Utterance:
    """The beginning of an utterance, of about this length: it ends at a quiet moment, and fades out over 20 ms."""
    frames = len(utterance.sound) // _FRAME
    first, last = (round(100 * (length_s + shift)) for shift in (-_QUIET_S, _QUIET_S))
    first, last = max(first, round(100 * _SHORTEST_S)), min(last, frames)
    if first >= last:
        return utterance
    power = (utterance.sound[first * _FRAME : last * _FRAME].astype(np.float64) ** 2).reshape(-1, _FRAME).mean(axis=1)
    end_s = (first + int(np.argmin(power)) + 1) / 100
    spans = tuple((a, min(b, end_s)) for a, b in utterance.stretches if a < end_s)
    return replace(utterance, sound=faded(utterance.sound[: round(end_s * RATE_HZ)]), stretches=spans)


def faded(sound: Sound) -> Sound:
    """Fade out the last 20 ms, to avoid a click."""
    count = min(len(sound), RATE_HZ // 50)
    out = sound.copy()
    out[len(out) - count :] *= np.linspace(1, 0, count, dtype=np.float32)
    return out


def name_of(who: tuple[str, str]) -> str:
    """A speaker's name without spaces, for files with space-separated fields."""
    return "_".join("-".join(who).split())


def utterances_of(clip: Clip, sound: Sound) -> list[Utterance]:
    """Utterances of a clip; at pauses, it is cut into parts of at most six seconds if possible."""
    groups: list[list[Stretch]] = []
    for stretch in speech_stretches(sound):
        if groups and stretch[1] - groups[-1][0][0] <= _LONGEST_S:
            groups[-1].append(stretch)
        else:
            groups.append([stretch])
    label = CLASSES[clip.label] if clip.label is not None else ""
    valence, arousal = place_of(clip, label)
    out = []
    for k, group in enumerate(groups):
        first = round(group[0][0] * RATE_HZ)
        piece = sound[first : round(group[-1][1] * RATE_HZ)]
        spans = tuple((round(a - group[0][0], 3), round(b - group[0][0], 3)) for a, b in group)
        source = f"{clip.corpus}/{clip.path.name}" + (f"#{k}" if len(groups) > 1 else "")
        out.append(Utterance(piece, spans, clip.emotion, label, valence, arousal, source))
    return out


def place_of(clip: Clip, label: str) -> tuple[float | None, float | None]:
    """True valence and arousal: the corpus' values, or else the default of the class or the emotion."""
    if clip.valence is not None and clip.arousal is not None:
        return clip.valence, clip.arousal
    return AffectOptions().anchors[label] if label else VALENCE_AROUSAL.get(clip.emotion, (None, None))


def speech_stretches(sound: Sound) -> list[Stretch]:
    """Find speech in clean sound by energy, as (start_s, end_s): at most 35 dB below the loudest and above the floor.

    Frames are 10 ms; gaps under 0.3 s are filled. Stretches shorter than 0.15 s, or never within 20 dB of the loudest
    (a breath, a click), are dropped.
    """
    count = len(sound) // _FRAME
    frames = sound[: count * _FRAME].reshape(count, _FRAME).astype(np.float64)
    levels = 10 * np.log10((frames**2).mean(axis=1) + 1e-12)
    if not count:
        return []
    limit = min(max(levels.max() - 35, float(np.percentile(levels, 5)) + 12), levels.max() - 20)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], levels > limit, [False]]).astype(int))) / 100
    spans: list[list[float]] = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if spans and start - spans[-1][1] < _FILL_S:
            spans[-1][1] = end
        else:
            spans.append([start, end])
    return [
        (max(0.0, start - _PAD_S), min(count / 100, end + _PAD_S))
        for start, end in spans
        if end - start >= _SHORTEST_S and levels[round(start * 100) : round(end * 100)].max() > levels.max() - 20
    ]
