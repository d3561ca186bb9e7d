"""Collect samples block by block without copies; memory grows only where there is sound."""

from __future__ import annotations

import mmap
from collections.abc import Sequence

import numpy as np

from ressenti.pipeline.audio.samples import Samples

_BLOCK = 1 << 21  # samples of each channel


class Growing:
    """Samples of one track, written at any position; unwritten parts are silent and take no memory."""

    def __init__(self, channels: int) -> None:
        self.channels = channels
        self.length = 0
        self._blocks: dict[int, Samples] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of all samples once they are in one array."""
        return 2 * self.channels * self.length

    def write(self, at: int, interleaved: bytes) -> None:
        """Write samples at position `at`; without samples, only extend the track to `at`."""
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
        """Move all samples into zeroed rows (channels, n) that are long enough; this track is empty afterwards."""
        for number in sorted(self._blocks):
            block = self._blocks.pop(number)
            start = number * _BLOCK
            part = block[:, : max(0, min(_BLOCK, self.length - start))]
            rows[:, start : start + part.shape[1]] = part


def zeros(channels: int, length: int) -> Samples:
    """Zeros of shape (channels, length) in a separate memory map, which `give_back` can release at once."""
    if channels * length == 0:
        return np.zeros((channels, length), np.int16)
    return np.frombuffer(mmap.mmap(-1, 2 * channels * length), np.int16).reshape(channels, length)


def give_back(rows: Samples) -> None:
    """Release the memory of whole channels made by `zeros`; other arrays are left alone.

    The channels are zero afterwards. Needs Linux; does nothing elsewhere.
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
    """Return the samples of every track, (channels, n) each, padded to one length; the tracks are empty afterwards."""
    length = max((track.length for track in tracks), default=0)
    found = []
    for track in tracks:
        rows = zeros(track.channels, length)
        track.move_into(rows)
        found.append(rows)
    return tuple(found)
