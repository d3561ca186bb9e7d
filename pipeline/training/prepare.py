"""Labelled clips -> mel power of the speech in them, decoded and cut as recordings are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline import audio
from pipeline.audio import RATE_HZ, Samples
from pipeline.config import AudioOptions, DiarizationOptions
from pipeline.diarization.vad import detect_speech
from pipeline.emotion import features
from pipeline.layout import lay_out
from pipeline.mel import FloatArray
from pipeline.training.corpora import Clip


@dataclass(frozen=True)
class Prepared:
    """A clip and the mel power (frames, 64) of its speech, from the first to the last span of it."""

    clip: Clip
    mel: FloatArray


def prepare(clips: Sequence[Clip], cache: Path | None = None) -> list[Prepared]:
    """Decode clips and keep the speech of each; with `cache`, features are kept in that folder between runs."""
    return [Prepared(clip, _mel(clip, cache)) for clip in clips]


def read(clip: Clip) -> Samples:
    """Samples of a clip (n,), its channels mixed; raises the subclass of `InputError` that fits."""
    options = AudioOptions(min_duration_s=0.1, silent_dbfs=-90.0)
    _, sound = audio.load(clip.path, options)
    samples: Samples = lay_out(sound, "mono", options).audio.samples[0]
    return samples


def speech_of(samples: Samples, options: DiarizationOptions) -> Samples:
    """From the first to the last speech in samples (n,), as a diarizer would cut it; all where it finds none."""
    spans = detect_speech(samples, options)
    return samples[int(spans[0][0] * RATE_HZ) : int(spans[-1][1] * RATE_HZ)] if spans else samples


def _digest(clip: Clip) -> str:
    """Tells clips of one name in different folders apart."""
    return hashlib.sha256(str(clip.path.resolve()).encode()).hexdigest()[:12]


def _mel(clip: Clip, cache: Path | None) -> FloatArray:
    kept = cache / f"{clip.corpus}_{clip.path.stem}_{_digest(clip)}.npy" if cache else None
    if kept is not None and kept.exists():
        loaded: FloatArray = np.load(kept)
        return loaded
    samples = speech_of(read(clip), DiarizationOptions())
    mel = features.power(samples)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, mel)
    return mel
