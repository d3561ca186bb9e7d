"""Samples that come block by block, kept once: memory that grows by the pages that hold sound."""

from __future__ import annotations

import mmap
from collections.abc import Sequence

import numpy as np

from ressenti.pipeline.audio.samples import Samples

_BLOCK = 1 << 21  # samples of each channel


class Growing:
    """Samples of one track, written at any position; what nobody wrote is silent and takes no memory."""

    def __init__(self, channels: int) -> None:
        self.channels = channels
        self.length = 0
        self._blocks: dict[int, Samples] = {}

    @property
    def nbytes(self) -> int:
        """Bytes that all samples take together, once they are put into one piece."""
        return 2 * self.channels * self.length

    def write(self, at: int, interleaved: bytes) -> None:
        """Put samples at a position; without any, the track is at least so long."""
        self.length = max(self.length, at)
        samples = np.frombuffer(interleaved, np.int16).reshape(-1, self.channels).T
        done = 0
        while done < samples.shape[1]:
            number, offset = divmod(at + done, _BLOCK)
            part = samples[:, done : done + _BLOCK - offset]
            if number not in self._blocks:
                self._blocks[number] = zeros(self.channels, _BLOCK)
            self._blocks[number][:, offset : offset + part.shape[1]] = part
            done += part.shape[1]
        self.length = max(self.length, at + done)

    def move_into(self, rows: Samples) -> None:
        """Move all samples into rows (channels, n) that are silent and long enough; nothing is kept here."""
        for number in sorted(self._blocks):
            block = self._blocks.pop(number)
            start = number * _BLOCK
            part = block[:, : max(0, min(_BLOCK, self.length - start))]
            rows[:, start : start + part.shape[1]] = part


def zeros(channels: int, length: int) -> Samples:
    """Silence, (channels, length), in memory of its own: what is given back goes to the system at once."""
    if channels * length == 0:
        return np.zeros((channels, length), np.int16)
    return np.frombuffer(mmap.mmap(-1, 2 * channels * length), np.int16).reshape(channels, length)


def give_back(rows: Samples) -> None:
    """Give the memory of whole channels that nobody needs any more to the system, where `zeros` made it; else nothing.

    They are silent afterwards. Needs Linux.
    """
    memory: object = rows
    while isinstance(memory, np.ndarray | memoryview):
        memory = memory.base if isinstance(memory, np.ndarray) else memory.obj
    if not isinstance(memory, mmap.mmap) or not hasattr(mmap, "MADV_REMOVE") or not rows.flags.c_contiguous:
        return
    begin = rows.ctypes.data - np.frombuffer(memory, np.uint8).ctypes.data
    first, last = -(-begin // mmap.PAGESIZE) * mmap.PAGESIZE, (begin + rows.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
    if first < last:
        memory.madvise(mmap.MADV_REMOVE, first, last - first)


def together(tracks: Sequence[Growing]) -> tuple[Samples, ...]:
    """Samples of every track, (channels, n) each, all of one length; the tracks are empty afterwards."""
    length = max((track.length for track in tracks), default=0)
    found = []
    for track in tracks:
        rows = zeros(track.channels, length)
        track.move_into(rows)
        found.append(rows)
    return tuple(found)
