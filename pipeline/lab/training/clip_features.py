"""Labelled clips -> impressions of each in every surrounding, cached in a file that all networks of a run share."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from ressenti.pipeline.audio import RATE_HZ, Audio, Samples
from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.config import DiarizationOptions
from ressenti.pipeline.diarization.vad import detect_speech
from ressenti.pipeline.emotion.features import WIDTH, Impressions, impressions, mel_of
from ressenti.pipeline.files.disk import writing
from ressenti.pipeline.lab.labelled_speech import acoustics
from ressenti.pipeline.lab.labelled_speech.augmentation import SHARES, levelled, surrounded
from ressenti.pipeline.lab.labelled_speech.corpora import Clip
from ressenti.pipeline.lab.labelled_speech.prepare import read
from ressenti.pipeline.lab.training.non_speech import unlike_speech
from ressenti.pipeline.models import voice_encoder

UNLIKE = "unlike"  # non-speech made from the clip, in addition to the surroundings
_KINDS = (*SHARES, UNLIKE)
_VERSION = 7  # of the preparation; files of another version are not used
_VOICES = 40  # clips drawn for babble, at most
_Voices = list[tuple[tuple[str, str], acoustics.Sound]]
_NOISY = frozenset({"noise", "noisy_line", "babble"})  # surroundings in which sound around speech may pass for speech
_AROUND_NOISY_S, _AROUND_ELSE_S = 1.0, 0.15  # sound kept before and after the speech of a clip, at most
_AROUND_SHARE = 0.5  # share of clips that keep such sound
_CUT_SHARE, _SHORTEST_S = 0.25, 0.8  # share of clips cut to a part, and its minimum length: turns are short too
_SAVED = 1_000  # clips between two saves
_KEPT = np.float16


@dataclass(frozen=True)
class ClipFeatures:
    """Clips and their impressions: `values` (clips, kinds, 3072), `seconds` (clips, kinds)."""

    clips: tuple[Clip, ...]
    values: np.ndarray
    seconds: np.ndarray

    def heard(self, clips: Sequence[int], surrounding: str = "clean") -> Impressions:
        """Impressions of clips in a surrounding, or of the non-speech made from them."""
        kind = _KINDS.index(surrounding)
        rows = np.array(clips, dtype=np.int64)
        return Impressions(self.values[rows, kind].astype(np.float32), self.seconds[rows, kind].astype(np.float32))


def clip_features_of(clips: Sequence[Clip], background: Sequence[Clip], folder: Path) -> ClipFeatures:
    """Decode clips and cache their impressions, in every surrounding and without pauses, in a file in `folder`.

    `background` are clips for babble. Impressions cached earlier for the same clips with the same background voices are
    reused; a thousand clips take 61 MB. Raises a subclass of `InputError` for a clip that cannot be read.
    """
    from filelock import FileLock

    drawn = np.random.default_rng(0).permutation(len(background))[:_VOICES]
    babbling = [background[i] for i in drawn]
    about = "\n".join([str(_VERSION), voice_encoder.hashes()["voice.onnx"], *SHARES, *map(_key, babbling)])
    path = folder / f"{hashlib.sha256(about.encode()).hexdigest()[:16]}.npz"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        kept = _kept(path)
        fresh = [clip for clip in dict.fromkeys(clips) if _key(clip) not in kept]
        if fresh:
            voices = [(clip.who, levelled(acoustics.to_float(read(clip)))) for clip in babbling]
            with ProcessPoolExecutor(os.cpu_count() or 1, get_context("spawn"), _begin, (voices,)) as pool:
                for start in range(0, len(fresh), _SAVED):
                    some = fresh[start : start + _SAVED]
                    heard = pool.map(_heard, some, chunksize=8)
                    kept |= {_key(clip): row for clip, row in zip(some, heard, strict=True)}
                    _keep(kept, path)
    rows = np.stack([kept[_key(clip)] for clip in clips])
    return ClipFeatures(tuple(clips), rows[:, :, :WIDTH], rows[:, :, WIDTH])


def _kept(path: Path) -> dict[str, np.ndarray]:
    """Cached rows by `_key`, each (kinds, 3073), with the seconds as last value; empty for a damaged file."""
    try:
        with path.open("rb") as file, np.load(file) as found:  # np.load would leave a damaged file open
            return dict(zip(found["keys"].tolist(), found["rows"], strict=True))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}


def _keep(rows: dict[str, np.ndarray], path: Path) -> None:
    aside = path.with_suffix(".partial")
    with writing(path):
        with aside.open("wb") as file:
            np.savez(file, keys=np.array(list(rows)), rows=np.stack(list(rows.values())))
        aside.replace(path)


_voices: _Voices = []  # of this worker process


def _begin(voices: _Voices) -> None:
    _voices[:] = voices
    threadpool_limits(1)  # of numpy and scipy: there is a process for each core
    os.environ["OMP_NUM_THREADS"] = "1"  # of the encoder


def _heard(clip: Clip) -> np.ndarray:
    """Impressions of a clip (kinds, 3073), the same on every call.

    Pauses are left out. Some sound around the speech may stay, since in noise it may be taken for speech. Some clips
    are cut to a part, a different one in every surrounding.
    """
    samples = read(clip)
    rng = np.random.default_rng(int(hashlib.sha256(clip.path.name.encode()).hexdigest()[:8], 16))
    spans = detect_speech(samples, DiarizationOptions()) or [(0.0, len(samples) / RATE_HZ)]
    others = [sound for who, sound in _voices if who != clip.who]
    sounds = surrounded(acoustics.to_float(samples), others, rng)
    mels = [mel_of(_stretch(acoustics.to_int16(sounds[name]), spans, name, rng)) for name in SHARES]
    return _row([*mels, unlike_speech(mels[0], rng)])


def _stretch(
    samples: Samples, spans: Sequence[tuple[float, float]], surrounding: str, rng: np.random.Generator
) -> Samples:
    most_s = _AROUND_NOISY_S if surrounding in _NOISY else _AROUND_ELSE_S
    most_s = most_s if rng.random() < _AROUND_SHARE else 0.0
    before, after = rng.uniform(0, most_s, 2).tolist()
    spans = list(spans)
    spans[0] = (max(0.0, spans[0][0] - before), spans[0][1])
    spans[-1] = (spans[-1][0], min(len(samples) / RATE_HZ, spans[-1][1] + after))
    speech = Audio(samples[None]).joined(spans)
    shortest = round(_SHORTEST_S * RATE_HZ)
    if len(speech) <= shortest or rng.random() >= _CUT_SHARE:
        return speech
    length = int(rng.integers(shortest, len(speech)))
    start = int(rng.integers(len(speech) - length + 1))
    return speech[start : start + length]


def _row(mels: Sequence[FloatArray]) -> np.ndarray:
    heard = impressions(mels)
    return np.concatenate([heard.values, heard.seconds[:, None]], axis=1).astype(_KEPT)


def _key(clip: Clip) -> str:
    about = clip.path.stat()
    return f"{clip.path.resolve()} {about.st_size} {about.st_mtime_ns} {'/'.join(clip.who)}"
