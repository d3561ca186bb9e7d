"""How surely known voices are known again, and how seldom strangers are taken for them, on labelled speech.

A person is enrolled with some of their clips and heard in others. Every voice that is heard is compared with every
enrolled one: with its own (a miss if it stays below the limit) and with all others (a false alarm if it does not).
Where clips have emotions, people are enrolled with neutral and calm speech and heard in each emotion.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ressenti.pipeline.audio import RATE_HZ, Audio, Samples
from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.config import DiarizationOptions
from ressenti.pipeline.lab.evaluation.metrics import Interval, bootstrap
from ressenti.pipeline.lab.labelled_speech import acoustics
from ressenti.pipeline.lab.labelled_speech.corpora import Clip
from ressenti.pipeline.lab.labelled_speech.prepare import read, speech_of
from ressenti.pipeline.models import campplus
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.voices.hearing import PIECE_S, HeardVoice, hear
from ressenti.pipeline.voices.likeness import comparable, limit_of

Way = Literal["clean", "telephone", "clean, then telephone"]
WAYS: dict[Way, tuple[bool, bool]] = {
    "clean": (False, False),
    "telephone": (True, True),
    "clean, then telephone": (False, True),
}
"""How people are enrolled and how they are heard: whether by telephone."""

CALM = ("neutral", "calm")  # emotions to enroll with
ENROLLED_S = 30.0
LENGTHS_S = (3.0, 5.0, 10.0, 20.0, 30.0)
_DRAWS = 3  # of the clips to enroll a person with
_CODECS: tuple[acoustics.Codec, ...] = ("mulaw", "alaw", "gsm")
_SNR_DB = (15.0, 30.0)  # of a line's noise
_LEVEL_DBFS = -26.0

Who = tuple[str, str]
Voices = dict[tuple[float, bool], dict[Who, FloatArray]]
"""Embeddings (192,) of people, by seconds of speech and whether by telephone."""


@dataclass(frozen=True)
class VoiceParts:
    """Voices of one person in parts of `speech_s` seconds, by telephone or not: embeddings (n, 192)."""

    line: bool
    emotion: str
    speech_s: float
    vectors: FloatArray


@dataclass(frozen=True)
class Enrolled:
    """One enrolment of a person, clean and by telephone, and how they were heard in other clips."""

    who: Who
    vectors: dict[bool, HeardVoice]
    heard: tuple[VoiceParts, ...]

    def in_parts(self, *, line: bool, emotion: str, speech_s: float) -> FloatArray:
        """Embeddings (n, 192) of what was heard in this way."""
        found = [h.vectors for h in self.heard if (h.line, h.emotion, h.speech_s) == (line, emotion, speech_s)]
        return np.concatenate([np.empty((0, campplus.WIDTH), np.float32), *found])


@dataclass(frozen=True)
class VoiceFigures:
    """Misses and false alarms of one way, length and emotion (empty: any), as shares of trials.

    `miss` and `false_alarm` are at the limit that an analysis uses for `false_alarm_asked`; `miss_at_own` is at the
    limit that gives just that many false alarms on these very voices, NaN if there are too few to tell.
    """

    way: Way
    emotion: str
    speech_s: float
    enrolled_s: float
    people: int
    trials: int
    strangers: int
    limit: float
    miss: float
    miss_interval: Interval | None
    false_alarm: float
    miss_at_own: float
    mean_own: float
    mean_strangers: float


def on_a_line(clip: Clip, samples: Samples) -> Samples:
    """Samples of a clip by telephone: its band, some noise, and one of three codecs, the same on every call."""
    seed = int(hashlib.sha256(clip.path.name.encode()).hexdigest()[:8], 16)
    rng = np.random.default_rng(seed)
    codec, snr_db = _CODECS[int(rng.integers(len(_CODECS)))], float(rng.uniform(*_SNR_DB))
    noise = acoustics.telephone(acoustics.pink_noise(len(samples), rng))
    sound = acoustics.with_noise(acoustics.telephone(acoustics.to_float(samples)), noise, snr_db)
    return acoustics.to_int16(acoustics.through(acoustics.at_level(sound, _LEVEL_DBFS), codec))


class Speech:
    """Speech of clips without its pauses, clean or by telephone, read once."""

    def __init__(self) -> None:
        self._known: dict[tuple[Clip, bool], Samples] = {}

    def of(self, clip: Clip, *, line: bool) -> Samples:
        """Speech (n,) of a clip."""
        if (clip, line) not in self._known:
            samples = read(clip)
            self._known[clip, line] = speech_of(on_a_line(clip, samples) if line else samples, DiarizationOptions())
        return self._known[clip, line]

    def joined(self, clips: Sequence[Clip], *, line: bool) -> Samples:
        """Speech of several clips."""
        found = [self.of(clip, line=line) for clip in clips]
        return np.concatenate(found) if found else np.empty(0, np.int16)


def voices_in(samples: Samples, lengths_s: Sequence[float]) -> dict[float, FloatArray]:
    """Embeddings (n, 192) of consecutive parts of speech, by their length, as an analysis hears them.

    An analysis hears speech piece by piece, so lengths of whole pieces share them.
    """
    pieces = _parts(samples, PIECE_S)
    out = {}
    for length_s in lengths_s:
        count = round(length_s / PIECE_S)
        if count * PIECE_S != length_s:
            out[length_s] = _parts(samples, length_s)
            continue
        whole = len(pieces) // count * count
        means = pieces[:whole].reshape(-1, count, campplus.WIDTH).mean(axis=1)
        out[length_s] = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)
    return out


def _parts(samples: Samples, length_s: float) -> FloatArray:
    length = round(length_s * RATE_HZ)
    parts = [samples[start : start + length] for start in range(0, len(samples) - length + 1, length)]
    found = [hear(Audio(part[None]), [(0.0, length_s)]) for part in parts]
    return np.array([one.embedding for one in found if one is not None], np.float32).reshape(-1, campplus.WIDTH)


def enrolments(
    clips: Sequence[Clip], lengths_s: Sequence[float] = LENGTHS_S, progress: Progress = ignore_progress
) -> Iterator[Enrolled]:
    """Enrolments of all people with enough speech; those with too little are heard as strangers (no `vectors`)."""
    speech = Speech()
    people = sorted({clip.who for clip in clips})
    for done, who in enumerate(people):
        own = [clip for clip in clips if clip.who == who]
        acted = len({clip.emotion for clip in own}) > 1
        for draw in range(1 if acted else _DRAWS):
            found = _enrolment(who, own, draw, lengths_s, speech, acted=acted)
            yield found
            if not found.vectors:
                break
        progress("clips", done + 1, len(people))


def _enrolment(
    who: Who, own: Sequence[Clip], draw: int, lengths_s: Sequence[float], speech: Speech, *, acted: bool
) -> Enrolled:
    """One enrolment of a person; with emotions, with neutral and calm clips, else with clips by lot."""
    drawn = [own[k] for k in np.random.default_rng(draw).permutation(len(own)).tolist()]
    first: list[Clip] = []
    total_s = 0.0
    for clip in drawn:
        if total_s < ENROLLED_S and len(own) > 1 and (not acted or clip.emotion in CALM):
            first.append(clip)
            total_s += len(speech.of(clip, line=False)) / RATE_HZ
    later = [clip for clip in drawn if clip not in first]
    vectors, heard = {}, []
    for line in (False, True):
        samples = speech.joined(first, line=line)[: round(ENROLLED_S * RATE_HZ)]
        voice = hear(Audio(samples[None]), [(0.0, len(samples) / RATE_HZ)]) if len(samples) else None
        if voice is not None:
            vectors[line] = voice
        for emotion in sorted({clip.emotion if acted else "" for clip in later}):
            rest = speech.joined([clip for clip in later if not acted or clip.emotion == emotion], line=line)
            heard += [VoiceParts(line, emotion, length_s, v) for length_s, v in voices_in(rest, lengths_s).items()]
    return Enrolled(who, vectors, tuple(heard))


def figures_of(found: Sequence[Enrolled], false_alarm: float) -> list[VoiceFigures]:
    """Figures of each way, emotion and length."""
    out = []
    for way, (first, then) in WAYS.items():
        known = [one for one in found if first in one.vectors]
        settings = sorted({(h.emotion, h.speech_s) for one in known for h in one.heard})
        for emotion, length_s in settings:
            own: list[tuple[Who, float]] = []
            strange: list[float] = []
            for one in known:
                for other in found:
                    if other is not one and other.who == one.who:
                        continue  # the same clips may be heard
                    voices = comparable(other.in_parts(line=then, emotion=emotion, speech_s=length_s))
                    scores = (voices @ comparable(one.vectors[first].embedding)).tolist()
                    if other is one:
                        own += [(one.who, score) for score in scores]
                    else:
                        strange += scores
            if own and strange:
                enrolled_s = float(np.median([one.vectors[first].speech_s for one in known]))
                out.append(_figures((way, emotion, length_s, enrolled_s), own, strange, false_alarm))
    return out


def _figures(
    setting: tuple[Way, str, float, float], own: Sequence[tuple[Who, float]], strange: Sequence[float], asked: float
) -> VoiceFigures:
    way, emotion, length_s, enrolled_s = setting
    people, scores, others = [who for who, _ in own], np.array([score for _, score in own]), np.array(strange)
    limit = limit_of(min(length_s, enrolled_s), asked)
    missed = scores < limit
    at = float(np.quantile(others, 1 - asked)) if len(others) * asked >= 1 else float("nan")
    return VoiceFigures(
        way=way,
        emotion=emotion,
        speech_s=length_s,
        enrolled_s=enrolled_s,
        people=len(set(people)),
        trials=len(own),
        strangers=len(strange),
        limit=limit,
        miss=float(missed.mean()),
        miss_interval=bootstrap(people, lambda rows: float(missed[rows].mean())),
        false_alarm=float((others >= limit).mean()),
        miss_at_own=float("nan") if math.isnan(at) else float((scores < at).mean()),
        mean_own=float(scores.mean()),
        mean_strangers=float(others.mean()),
    )


@dataclass(frozen=True)
class Strangers:
    """Likeness of two strangers, both heard for so long: mean, standard deviation, and quantiles."""

    way: Way
    speech_s: float
    people: int
    pairs: int
    mean: float
    spread: float
    quantiles: tuple[float, ...]


QUANTILES = (0.99, 0.999, 0.9999)


def first_voices(
    clips: Sequence[Clip], lengths_s: Sequence[float] = LENGTHS_S, progress: Progress = ignore_progress
) -> Voices:
    """Voices of people by seconds and line, each heard in their first speech of so long."""
    speech = Speech()
    people = sorted({clip.who for clip in clips})
    out: Voices = {}
    for done, who in enumerate(people):
        own = [clip for clip in clips if clip.who == who]
        for line in (False, True):
            samples = speech.joined(own, line=line)
            for length_s in lengths_s:
                found = voices_in(samples[: round(length_s * RATE_HZ)], [length_s])[length_s]
                if len(found):
                    out.setdefault((length_s, line), {})[who] = found[0]
        progress("clips", done + 1, len(people))
    return out


def strangers(voices: Voices) -> list[Strangers]:
    """What the limits of likeness follow from: all pairs of people."""
    out = []
    for way, (before, then) in WAYS.items():
        for length_s in sorted({length for length, _ in voices}):
            first, second = (voices.get((length_s, line), {}) for line in (before, then))
            both = [who for who in first if who in second]
            if len(both) < 2:
                continue
            enrolled, heard = (comparable(np.stack([found[who] for who in both])) for found in (first, second))
            pairs = (enrolled @ heard.T)[~np.eye(len(both), dtype=bool)]
            quantiles = tuple(float(x) for x in np.quantile(pairs, QUANTILES))
            spread = float(pairs.std())
            out.append(Strangers(way, length_s, len(both), len(pairs), float(pairs.mean()), spread, quantiles))
    return out
