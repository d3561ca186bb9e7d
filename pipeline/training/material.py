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
from typing import BinaryIO, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from pipeline.audio import RATE_HZ, Audio
from pipeline.config import DiarizationOptions
from pipeline.diarization.vad import detect_speech
from pipeline.emotion.features import BANDS, FRAME_S, Frames, frames_of, joined
from pipeline.emotion.prosody import COLUMNS
from pipeline.evaluation import acoustics
from pipeline.store import write_whole
from pipeline.training.corpora import Clip
from pipeline.training.prepare import read
from pipeline.training.surroundings import SHARES, levelled, surrounded

_INDEX = "index.json"
_VERSION = 2  # of how clips are prepared: what another has prepared is made anew
_VOICES = 40  # that may babble, out of all
_Voices = list[tuple[tuple[str, str], acoustics.Sound]]
_AROUND_S = 1.0  # at most, that is kept of a clip before and after its speech
_KEPT = np.float16  # of log-mel power: steps of 0.01 at most


class Rows(NamedTuple):
    """Where the frames of a clip lie: from `first` to before `last`, its speech from `start` to before `end`."""

    first: int
    start: int
    end: int
    last: int


@dataclass(frozen=True)
class Material:
    """Clips, and where the frames of each lie in the files of `folder`, which have `count` rows."""

    folder: Path
    clips: tuple[Clip, ...]
    rows: tuple[Rows, ...]
    count: int

    def frames(self, clip: int, surrounding: str = "clean", every: int = 1, around: tuple[int, int] = (0, 0)) -> Frames:
        """Frames of a clip's speech in a surrounding, one in so many, and at most so many of what is `around` it."""
        own = self.rows[clip]
        rows = slice(max(own.first, own.start - around[0]), min(own.last, own.end + around[1]), every)
        mel, prosody = _files(self.folder, surrounding, self.count)
        return Frames(mel[rows].astype(np.float32), prosody[rows].astype(np.float32))

    def all_of(self, clips: Sequence[int], surrounding: str = "clean", every: int = 1) -> Frames:
        """Frames of several clips, one in so many."""
        return joined([self.frames(clip, surrounding, every) for clip in clips])


@lru_cache(maxsize=32)
def _files(folder: Path, surrounding: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    mel = np.memmap(folder / f"{surrounding}.mel", _KEPT, "r", shape=(count, BANDS))
    return mel, np.memmap(folder / f"{surrounding}.prosody", _KEPT, "r", shape=(count, COLUMNS))


def gather(clips: Sequence[Clip], background: Sequence[Clip], folder: Path) -> Material:
    """Decode clips and write the frames of each, in every surrounding and without pauses, into a folder of `folder`.

    `background` are clips whose speakers may babble behind others. What is there already of the same clips, with the
    same voices behind them, is kept and added to; an hour of speech takes some 500 MB. Raises the subclass of
    `InputError` that fits a clip that cannot be read.
    """
    from filelock import FileLock

    drawn = np.random.default_rng(0).permutation(len(background))[:_VOICES]
    babbling = [background[i] for i in drawn]
    about = "\n".join([str(_VERSION), *SHARES, *map(_key, babbling)])
    own = folder / hashlib.sha256(about.encode()).hexdigest()[:16]
    own.mkdir(parents=True, exist_ok=True)
    with FileLock(own / "lock"):
        kept = _kept_rows(own)
        fresh = [clip for clip in clips if _key(clip) not in kept]
        if fresh:
            voices = [(clip.who, levelled(acoustics.to_float(read(clip)))) for clip in babbling]
            kept |= _add(fresh, voices, own, _count(kept))
            write_whole({own / _INDEX: json.dumps(kept)})
    return Material(own, tuple(clips), tuple(kept[_key(clip)] for clip in clips), _count(kept))


def _kept_rows(folder: Path) -> dict[str, Rows]:
    """Rows of the clips that are there already, by `_key`; nothing where a file is missing or too short for them."""
    index = folder / _INDEX
    if not index.is_file():
        return {}
    try:
        kept = {key: Rows(*rows) for key, rows in json.loads(index.read_text(encoding="utf-8")).items()}
    except (ValueError, TypeError, AttributeError):  # damaged
        kept = {}
    if kept and all(path.is_file() and path.stat().st_size >= _bytes(_count(kept), w) for path, w in _paths(folder)):
        return kept
    index.unlink()  # it is of none of what is written from here on
    return {}


def _count(rows: dict[str, Rows]) -> int:
    return max((own.last for own in rows.values()), default=0)


def _paths(folder: Path) -> list[tuple[Path, int]]:
    """Every file of frames, and how many values a frame has in it."""
    kinds = (("mel", BANDS), ("prosody", COLUMNS))
    return [(folder / f"{name}.{kind}", width) for name in SHARES for kind, width in kinds]


def _bytes(rows: int, width: int) -> int:
    return rows * width * np.dtype(_KEPT).itemsize


def _add(clips: Sequence[Clip], voices: _Voices, folder: Path, at: int) -> dict[str, Rows]:
    """Write the frames of clips from a row on; returns the rows of each."""
    rows: dict[str, Rows] = {}
    with ExitStack() as stack:
        files = {p.name: stack.enter_context(_open_at(p, _bytes(at, width))) for p, width in _paths(folder)}
        pool = stack.enter_context(ProcessPoolExecutor(os.cpu_count() or 1, get_context("spawn"), _begin, (voices,)))
        for clip, (heard, lead, trail) in zip(clips, pool.map(_heard, clips, chunksize=8), strict=True):
            for name, frames in heard.items():
                files[f"{name}.mel"].write(frames.mel.astype(_KEPT).tobytes())
                files[f"{name}.prosody"].write(frames.prosody.astype(_KEPT).tobytes())
            last = at + len(heard["clean"])
            rows[_key(clip)] = Rows(at, at + lead, last - trail, last)
            at = last
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
    threadpool_limits(1)  # numpy's and scipy's: there is a process for each core


def _heard(clip: Clip) -> tuple[dict[str, Frames], int, int]:
    """Frames of a clip in every surrounding, the same whenever it is asked for; how many lie before and after speech.

    Pauses are left out. What lies around the speech stays, as in noise it may be taken for some.
    """
    samples = read(clip)
    rng = np.random.default_rng(int(hashlib.sha256(clip.path.name.encode()).hexdigest()[:8], 16))
    length_s = len(samples) / RATE_HZ
    spans = detect_speech(samples, DiarizationOptions()) or [(0.0, length_s)]
    lead_s, trail_s = min(_AROUND_S, spans[0][0]), min(_AROUND_S, length_s - spans[-1][1])
    spans[0] = (spans[0][0] - lead_s, spans[0][1])
    spans[-1] = (spans[-1][0], spans[-1][1] + trail_s)
    others = [voice for who, voice in _voices if who != clip.who]
    sounds = surrounded(acoustics.to_float(samples), others, rng)
    heard = {name: frames_of(Audio(acoustics.to_int16(sound)[None]).joined(spans)) for name, sound in sounds.items()}
    return heard, int(lead_s / FRAME_S), int(trail_s / FRAME_S)


def _key(clip: Clip) -> str:
    about = clip.path.stat()
    return f"{clip.path.resolve()} {about.st_size} {about.st_mtime_ns} {'/'.join(clip.who)}"
