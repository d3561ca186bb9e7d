"""Labelled clips -> their frames in every surrounding, in files that all networks of a training read from."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from pipeline.audio import RATE_HZ
from pipeline.config import DiarizationOptions
from pipeline.diarization.vad import detect_speech
from pipeline.emotion.features import BANDS, Frames, frames_of, joined
from pipeline.emotion.prosody import COLUMNS
from pipeline.evaluation import acoustics
from pipeline.training.corpora import Clip
from pipeline.training.prepare import read
from pipeline.training.surroundings import SHARES, levelled, surrounded

_INDEX = "index.json"
_VOICES = 40  # that may babble, out of all
_KEPT = np.float16  # of log-mel power: steps of 0.01 at most


@dataclass(frozen=True)
class Material:
    """Clips, and where the frames of each begin and end in the files of `folder`."""

    folder: Path
    clips: tuple[Clip, ...]
    offsets: tuple[int, ...]

    def frames(self, clip: int, surrounding: str = "clean", every: int = 1) -> Frames:
        """Frames of a clip in a surrounding, or one in so many of them."""
        rows = slice(self.offsets[clip], self.offsets[clip + 1], every)
        mel, prosody = _files(self.folder, surrounding, self.offsets[-1])
        return Frames(mel[rows].astype(np.float32), prosody[rows].astype(np.float32))

    def all_of(self, clips: Sequence[int], surrounding: str = "clean", every: int = 1) -> Frames:
        """Frames of several clips, one in so many."""
        return joined([self.frames(clip, surrounding, every) for clip in clips])


@lru_cache(maxsize=32)
def _files(folder: Path, surrounding: str, frames: int) -> tuple[np.ndarray, np.ndarray]:
    mel = np.memmap(folder / f"{surrounding}.mel", _KEPT, "r", shape=(frames, BANDS))
    return mel, np.memmap(folder / f"{surrounding}.prosody", _KEPT, "r", shape=(frames, COLUMNS))


def gather(clips: Sequence[Clip], background: Sequence[Clip], folder: Path) -> Material:
    """Decode clips, cut the speech out of each and write its frames in every surrounding into a folder.

    `background` are clips whose speakers may babble behind others. What is there already, of the same clips, is kept.
    Raises the subclass of `InputError` that fits a clip that cannot be read.
    """
    about = _digest(clips, background)
    index = folder / _INDEX
    if index.is_file() and (kept := json.loads(index.read_text(encoding="utf-8")))["sha256"] == about:
        return Material(folder, tuple(clips), tuple(kept["offsets"]))
    folder.mkdir(parents=True, exist_ok=True)
    index.unlink(missing_ok=True)
    drawn = np.random.default_rng(0).permutation(len(background))[:_VOICES]
    voices = [(background[i].who, levelled(acoustics.to_float(read(background[i])))) for i in drawn]
    offsets = [0]
    with ExitStack() as stack:
        files = {
            (name, kind): stack.enter_context((folder / f"{name}.{kind}").open("wb"))
            for name in SHARES
            for kind in ("mel", "prosody")
        }
        pool = stack.enter_context(ProcessPoolExecutor(os.cpu_count() or 1, get_context("spawn"), _begin, (voices,)))
        for heard in pool.map(_heard, clips, chunksize=8):
            for name, frames in heard.items():
                files[name, "mel"].write(frames.mel.astype(_KEPT).tobytes())
                files[name, "prosody"].write(frames.prosody.astype(_KEPT).tobytes())
            offsets.append(offsets[-1] + len(heard["clean"]))
    index.write_text(json.dumps({"sha256": about, "offsets": offsets}), encoding="utf-8")
    return Material(folder, tuple(clips), tuple(offsets))


_Voices = list[tuple[tuple[str, str], acoustics.Sound]]
_voices: _Voices = []  # of this process, which does nothing else


def _begin(voices: _Voices) -> None:
    _voices[:] = voices


def _heard(clip: Clip) -> dict[str, Frames]:
    """Frames of a clip in every surrounding, the same whenever it is asked for."""
    samples = read(clip)
    rng = np.random.default_rng(int(hashlib.sha256(clip.path.name.encode()).hexdigest()[:8], 16))
    spans = detect_speech(samples, DiarizationOptions())
    cut = slice(int(spans[0][0] * RATE_HZ), int(spans[-1][1] * RATE_HZ)) if spans else slice(None)
    others = [voice for who, voice in _voices if who != clip.who]
    sounds = surrounded(acoustics.to_float(samples), others, rng)
    return {name: frames_of(acoustics.to_int16(sound)[cut]) for name, sound in sounds.items()}


def _digest(clips: Sequence[Clip], background: Sequence[Clip]) -> str:
    lines = [f"{clip.path.resolve()} {'/'.join(clip.who)} {clip.emotion}" for clip in (*clips, *background)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
