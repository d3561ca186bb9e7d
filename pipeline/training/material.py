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
from typing import BinaryIO

import numpy as np
from threadpoolctl import threadpool_limits

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
_Voices = list[tuple[tuple[str, str], acoustics.Sound]]
_KEPT = np.float16  # of log-mel power: steps of 0.01 at most


@dataclass(frozen=True)
class Material:
    """Clips, and from which to which row the frames of each lie in the files of `folder`."""

    folder: Path
    clips: tuple[Clip, ...]
    rows: tuple[tuple[int, int], ...]

    def frames(self, clip: int, surrounding: str = "clean", every: int = 1) -> Frames:
        """Frames of a clip in a surrounding, or one in so many of them."""
        rows = slice(*self.rows[clip], every)
        mel, prosody = _files(self.folder, surrounding, max(end for _, end in self.rows))
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

    `background` are clips whose speakers may babble behind others. What is there already, with the same voices behind
    it, is kept and added to. Raises the subclass of `InputError` that fits a clip that cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = np.random.default_rng(0).permutation(len(background))[:_VOICES]
    babbling = [background[i] for i in drawn]
    about = hashlib.sha256("\n".join(map(_key, babbling)).encode()).hexdigest()
    kept = _kept_rows(folder / _INDEX, about)
    fresh = [clip for clip in clips if _key(clip) not in kept]
    if fresh:
        voices = [(clip.who, levelled(acoustics.to_float(read(clip)))) for clip in babbling]
        kept |= _add(fresh, voices, folder, max((end for _, end in kept.values()), default=0))
        (folder / _INDEX).write_text(json.dumps({"voices": about, "rows": kept}), encoding="utf-8")
    return Material(folder, tuple(clips), tuple(kept[_key(clip)] for clip in clips))


def _kept_rows(index: Path, about: str) -> dict[str, tuple[int, int]]:
    """Rows of the clips that are there already, by `_key`; nothing where other voices are behind them."""
    if not index.is_file():
        return {}
    kept = json.loads(index.read_text(encoding="utf-8"))
    return {key: (start, end) for key, (start, end) in kept["rows"].items()} if kept.get("voices") == about else {}


def _add(clips: Sequence[Clip], voices: _Voices, folder: Path, at: int) -> dict[str, tuple[int, int]]:
    """Write the frames of clips from a row on; returns the rows of each."""
    rows: dict[str, tuple[int, int]] = {}
    with ExitStack() as stack:
        files = {
            (name, kind): stack.enter_context(_open_at(folder / f"{name}.{kind}", at * width * _KEPT().itemsize))
            for name in SHARES
            for kind, width in (("mel", BANDS), ("prosody", COLUMNS))
        }
        pool = stack.enter_context(ProcessPoolExecutor(os.cpu_count() or 1, get_context("spawn"), _begin, (voices,)))
        for clip, heard in zip(clips, pool.map(_heard, clips, chunksize=8), strict=True):
            for name, frames in heard.items():
                files[name, "mel"].write(frames.mel.astype(_KEPT).tobytes())
                files[name, "prosody"].write(frames.prosody.astype(_KEPT).tobytes())
            rows[_key(clip)] = (at, at := at + len(heard["clean"]))
    return rows


def _open_at(path: Path, size: int) -> BinaryIO:
    """A file to be written on after its first bytes; what an interrupted run wrote behind them goes."""
    path.touch()
    file = path.open("r+b")
    file.truncate(size)
    file.seek(size)
    return file


_voices: _Voices = []  # of this process, which does nothing else


def _begin(voices: _Voices) -> None:
    _voices[:] = voices
    threadpool_limits(1)  # each process has a core of its own


def _heard(clip: Clip) -> dict[str, Frames]:
    """Frames of a clip in every surrounding, the same whenever it is asked for."""
    samples = read(clip)
    rng = np.random.default_rng(int(hashlib.sha256(clip.path.name.encode()).hexdigest()[:8], 16))
    spans = detect_speech(samples, DiarizationOptions())
    cut = slice(int(spans[0][0] * RATE_HZ), int(spans[-1][1] * RATE_HZ)) if spans else slice(None)
    others = [voice for who, voice in _voices if who != clip.who]
    sounds = surrounded(acoustics.to_float(samples), others, rng)
    return {name: frames_of(acoustics.to_int16(sound)[cut]) for name, sound in sounds.items()}


def _key(clip: Clip) -> str:
    return f"{clip.path.resolve()} {'/'.join(clip.who)}"
