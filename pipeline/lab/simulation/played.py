"""Announcements, tones, music and sounds of voices put into simulated conversations, with their truth.

Recorded sounds lie in a folder with `telephony.csv` (path, kind, language) and `nonverbal/labels.csv` (path, class), as
in `../shared/data/telephony_and_sounds`. `held_out.csv` here names the half that figures are reported on; thresholds
are chosen on the other half. No sound is in it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np

from ressenti.pipeline.audio import RATE_HZ, Samples, load
from ressenti.pipeline.config import AudioOptions
from ressenti.pipeline.errors import NotFoundError
from ressenti.pipeline.lab.labelled_speech.acoustics import Sound
from ressenti.pipeline.lab.labelled_speech.truth import TruthSegment
from ressenti.pipeline.lab.simulation.options import Playing, Sounding
from ressenti.pipeline.lab.simulation.render import line

Half = Literal["held-out", "development"]
_VOICES = {"laughing": "laughter", "crying": "crying", "coughing": "cough", "throat-clearing": "throat"}
_RINGING = ("ringback", "busy", "callwaiting", "baresip_ring")
_LEVEL_DB = {"announcement": -24.0, "music": -28.0, "tone": -28.0}
_VOICE_DB = -26.0
_SILENT_DB = -45.0  # below the loudest; cut off at both ends


@dataclass(frozen=True)
class PlayedSound:
    """A sound in a conversation: `announcement`, `music`, `tone`, or what a voice does besides speaking; in seconds."""

    start_s: float
    end_s: float
    kind: str
    channel: int
    speaker: str
    source: str


@dataclass(frozen=True)
class _Clip:
    path: str
    kind: str
    group: str  # a language, or the class of a voice's sound


@cache
def held_out() -> frozenset[str]:
    """Paths of the sounds that figures are reported on."""
    text = (resources.files(__package__ or "") / "held_out.csv").read_text(encoding="utf-8")
    return frozenset(row["path"] for row in csv.DictReader(text.splitlines()))


class Bank:
    """The recorded sounds of one half, read when first needed."""

    def __init__(self, folder: Path, half: Half) -> None:
        try:
            telephony = _rows(folder / "telephony.csv")
            voices = _rows(folder / "nonverbal" / "labels.csv")
        except OSError as exc:
            raise NotFoundError(
                f"{folder}: no recorded sounds ({exc}); expected telephony.csv and nonverbal/."
            ) from exc
        clips = [_Clip(row["path"], _kind_of(row), row.get("language", "")) for row in telephony]
        clips += [
            _Clip(f"nonverbal/{r['path']}", _VOICES[r["class"]], r["class"]) for r in voices if r["class"] in _VOICES
        ]
        wanted = half == "held-out"
        self._folder = folder
        self._clips = [clip for clip in clips if clip.kind and (clip.path in held_out()) == wanted]
        self._sounds: dict[str, Sound] = {}

    def draw(self, kind: str, rng: np.random.Generator, group: str = "") -> tuple[str, Sound]:
        """A sound of a kind: its path and its samples, without silence at its ends, at the level of its kind."""
        there = [clip for clip in self._clips if clip.kind == kind and (not group or clip.group.startswith(group))]
        if not there:
            raise NotFoundError(f"{self._folder}: no sounds of kind {kind} {group}; expected some in this half.")
        clip = there[int(rng.integers(len(there)))]
        if clip.path not in self._sounds:
            self._sounds[clip.path] = _read(self._folder / clip.path)
        sound = self._sounds[clip.path]
        level = 10 * np.log10(float(np.mean(np.square(sound))) + 1e-12)
        return clip.path, sound * np.float32(10 ** ((_LEVEL_DB.get(kind, _VOICE_DB) - level) / 20))


def with_sounds(
    samples: Samples,
    truth: Sequence[TruthSegment],
    playing: Playing,
    options: Sounding,
    bank: Bank,
    rng: np.random.Generator,
) -> tuple[Samples, tuple[TruthSegment, ...], tuple[PlayedSound, ...]]:
    """Put sounds before a conversation, into its middle, and at turns' ends: samples (channels, n), truth, sounds."""
    language = str(rng.choice(("en", "fr")))
    inserts: list[tuple[float, list[tuple[str, str, str, Sound]]]] = []
    if playing.lead:
        inserts.append((0.0, _block(playing.lead, language, bank, rng)))
    if playing.middle:
        inserts.append(
            (_pause_near(truth, samples.shape[1] / RATE_HZ / 2), _block(playing.middle, language, bank, rng))
        )
    for segment in _ends(truth, playing.voices, rng):
        kind = str(rng.choice(sorted(_VOICES.values())))
        path, sound = bank.draw(kind, rng)
        gap = np.zeros(round(float(rng.uniform(0.05, 0.4)) * RATE_HZ), np.float32)
        inserts.append((segment.end_s, [("", "", "", gap), (kind, segment.speaker, path, sound), ("", "", "", gap)]))
    channel_of = {segment.speaker: segment.channel for segment in truth}
    parts: list[Samples] = []
    told: list[PlayedSound] = []
    moves: list[tuple[float, float]] = []
    at_s, shift_s = 0.0, 0.0
    for place_s, block in sorted(inserts, key=lambda entry: entry[0]):
        parts.append(samples[:, round(at_s * RATE_HZ) : round(place_s * RATE_HZ)])
        at_s = place_s
        begun_s = shift_s
        for kind, speaker, path, sound in block:
            length_s = len(sound) / RATE_HZ
            channel = channel_of.get(speaker, len(samples))
            row = np.zeros((len(samples), len(sound)), np.int16)
            if kind:
                row[channel - 1] = line(sound, options, 40.0, options.codecs[0], None, rng)[: len(sound)]
                told.append(
                    PlayedSound(
                        round(place_s + shift_s, 3),
                        round(place_s + shift_s + length_s, 3),
                        kind,
                        channel,
                        speaker,
                        path,
                    )
                )
            parts.append(row)
            shift_s += length_s
        moves.append((place_s, shift_s - begun_s))
    parts.append(samples[:, round(at_s * RATE_HZ) :])

    def moved(time_s: float, *, end: bool = False) -> float:
        return round(time_s + sum(by for place, by in moves if place < time_s or (place == time_s and not end)), 3)

    later = tuple(replace(s, start_s=moved(s.start_s), end_s=moved(s.end_s, end=True)) for s in truth)
    return np.concatenate(parts, axis=1), later, tuple(told)


def sounds_csv(sounds: Sequence[PlayedSound]) -> str:
    """Sounds as CSV, with the fields of `PlayedSound` as columns."""
    rows = [",".join(PlayedSound.__dataclass_fields__)]
    rows += [f"{s.start_s:.3f},{s.end_s:.3f},{s.kind},{s.channel},{s.speaker},{s.source}" for s in sounds]
    return "\n".join(rows) + "\n"


def read_sounds(path: Path) -> tuple[PlayedSound, ...]:
    """Read what `sounds_csv` wrote."""
    return tuple(
        PlayedSound(float(r["start_s"]), float(r["end_s"]), r["kind"], int(r["channel"]), r["speaker"], r["source"])
        for r in _rows(path)
    )


def _block(
    script: Sequence[str], language: str, bank: Bank, rng: np.random.Generator
) -> list[tuple[str, str, str, Sound]]:
    """What is played one after the other, with pauses: (kind, no speaker, source, sound)."""
    out: list[tuple[str, str, str, Sound]] = []
    for kind in script:
        out.append(("", "", "", np.zeros(round(float(rng.uniform(0.3, 1.2)) * RATE_HZ), np.float32)))
        for _ in range(int(rng.integers(1, 4)) if kind == "announcement" else 1):
            path, sound = bank.draw(kind, rng, language if kind == "announcement" else "")
            if kind == "music":
                length = round(float(rng.uniform(12, 30)) * RATE_HZ)
                start = int(rng.integers(max(1, len(sound) - length)))
                sound = sound[start : start + length]
            out.append((kind, "", path, sound))
    out.append(("", "", "", np.zeros(round(float(rng.uniform(0.3, 1.2)) * RATE_HZ), np.float32)))
    return out


def _pause_near(truth: Sequence[TruthSegment], time_s: float) -> float:
    """The time at which nobody speaks that is nearest."""
    ends = sorted(s.end_s for s in truth)
    free = [t for t in ends if not any(s.start_s <= t < s.end_s for s in truth)]
    return min(free, key=lambda t: abs(t - time_s), default=time_s)


def _ends(truth: Sequence[TruthSegment], count: int, rng: np.random.Generator) -> list[TruthSegment]:
    """Some segments after which nobody speaks for the moment."""
    free = [s for s in truth if s.kind == "turn" and not any(o.start_s <= s.end_s < o.end_s for o in truth)]
    chosen = rng.permutation(len(free))[:count]
    return [free[int(k)] for k in sorted(chosen)]


def _kind_of(row: Mapping[str, str]) -> str:
    name = row["path"]
    if row["kind"].startswith("IVR") and "silence" not in name:
        return "announcement"
    if name.startswith("hold_music/"):
        return "music"
    return "tone" if any(part in name for part in _RINGING) else ""


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _read(path: Path) -> Sound:
    _, audio = load(path, AudioOptions(min_duration_s=0.05, remove_hum=False, silent_dbfs=-100), trusted=True)
    sound = audio.samples[0].astype(np.float32) / np.float32(32768)
    loud = np.flatnonzero(np.abs(sound) > np.abs(sound).max() * 10 ** (_SILENT_DB / 20))
    cut: Sound = sound[loud[0] : loud[-1] + 1]
    return cut
