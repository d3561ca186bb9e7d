"""Clips -> their speech in one file of samples, and the crops for each training step."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.audio import RATE_HZ
from ressenti.pipeline.config import Config
from ressenti.pipeline.errors import InputError
from ressenti.pipeline.files.disk import writing
from ressenti.pipeline.lab.labelled_speech.corpora import Clip
from ressenti.pipeline.lab.labelled_speech.prepare import read, speech_of
from ressenti.pipeline.progress import Progress, ignore_progress

_POOL = 16  # batches sorted by length together: similar lengths, but a new order each epoch
_NAMED = 3  # unreadable clips that an error quotes


@dataclass(frozen=True)
class Sounds:
    """Samples of many clips in one file, so memory use does not grow; `sha256` is of all samples."""

    path: Path
    starts: tuple[int, ...]
    sha256: str

    def __len__(self) -> int:
        return len(self.starts) - 1

    def length(self, clip: int) -> int:
        """Number of samples of a clip."""
        return self.starts[clip + 1] - self.starts[clip]

    def cut(self, clip: int, start: int = 0, count: int | None = None) -> npt.NDArray[np.int16]:
        """Samples (n,) of a clip from `start`, at most `count`."""
        first = self.starts[clip] + start
        last = self.starts[clip + 1] if count is None else min(self.starts[clip + 1], first + count)
        return np.array(np.memmap(self.path, np.int16, "r")[first:last])


def gather(
    clips: Sequence[Clip], path: Path, config: Config, progress: Progress = ignore_progress
) -> tuple[Sounds, list[Clip], int]:
    """Write the speech of clips into a file, without pauses, as in an analysis.

    Returns the samples, their clips, and the number of clips left out for being shorter than `emotion.min_judged_s`,
    since turns that short are not judged. Raises `InputError` with the number of clips that cannot be read.
    """
    shortest = round(config.emotion.min_judged_s * RATE_HZ)
    kept: list[Clip] = []
    starts, digest = [0], hashlib.sha256()
    unread: list[InputError] = []
    with writing(path), path.open("wb") as file:
        for done, clip in enumerate(clips, start=1):
            try:
                samples = speech_of(read(clip), config.diarization)
            except InputError as exc:
                unread.append(exc)
                continue
            if len(samples) >= shortest:
                data = np.ascontiguousarray(samples, np.int16).tobytes()
                file.write(data)
                digest.update(data)
                kept.append(clip)
                starts.append(starts[-1] + len(samples))
            progress("clips", done, len(clips))
    if unread:
        quoted = " ".join(str(exc) for exc in unread[:_NAMED])
        raise InputError(
            f"{len(unread)} of {len(clips)} clips cannot be read: {quoted} Fix them, or remove their rows from the "
            "manifest."
        ) from unread[0]
    return Sounds(path, tuple(starts), digest.hexdigest()), kept, len(clips) - len(kept)


@dataclass(frozen=True)
class Lessons:
    """The clips and crops of each training step; they depend only on the seed and the step.

    `clips` are the indices of the training clips, `batch` the clips per step, `crop` the longest crop in samples.
    Without `uneven`, a batch is cut to its shortest clip, for models whose output padding would change.
    """

    sounds: Sounds
    clips: tuple[int, ...]
    batch: int
    crop: int
    seed: int
    uneven: bool

    def __len__(self) -> int:
        return math.ceil(len(self.clips) / self.batch)

    def at(self, step: int) -> tuple[list[int], list[npt.NDArray[np.int16]]]:
        """Clips of a step, counted over all epochs, and the crop of each."""
        epoch, place = divmod(step, len(self))
        chosen = list(self._epoch(epoch)[place])
        lengths = [min(self.crop, self.sounds.length(i)) for i in chosen]
        if not self.uneven:
            lengths = [min(lengths)] * len(lengths)
        rng = np.random.default_rng([self.seed, 1, step])
        starts = [int(rng.integers(0, self.sounds.length(i) - n + 1)) for i, n in zip(chosen, lengths, strict=True)]
        return chosen, [self.sounds.cut(i, a, n) for i, a, n in zip(chosen, starts, lengths, strict=True)]

    @lru_cache(maxsize=2)  # noqa: B019  # one instance per training run
    def _epoch(self, epoch: int) -> tuple[tuple[int, ...], ...]:
        """Batches of one epoch: every clip once, with others of similar length."""
        rng = np.random.default_rng([self.seed, 0, epoch])
        order = rng.permutation(self.clips).tolist()
        size = _POOL * self.batch
        pools = [order[at : at + size] for at in range(0, len(order), size)]
        order = [i for pool in pools for i in sorted(pool, key=lambda i: min(self.crop, self.sounds.length(i)))]
        batches = [tuple(order[at : at + self.batch]) for at in range(0, len(order), self.batch)]
        return tuple(batches[k] for k in rng.permutation(len(batches)))
