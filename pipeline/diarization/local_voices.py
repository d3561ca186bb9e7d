"""Who speaks within each ten seconds (segmentation-3.0), on one line of frames for the whole recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.audio import RATE_HZ, Samples
from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.models import segmentation
from ressenti.pipeline.progress import Progress, ignore_progress

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

FRAME_S = segmentation.STEP / RATE_HZ
FRAMES = segmentation.frame_count(segmentation.WINDOW)  # of a window
VOICES = segmentation.VOICES
_AT_ONCE = 32  # windows in memory


@dataclass(frozen=True)
class LocalVoices:
    """Up to three voices in each of n windows; which voice of one window is which of the next is not known.

    `starts` (n,) are the windows' first frames on the recording's line of `frames` frames; `speaking` (n, FRAMES, 3) is
    who speaks, and `chance` (n, FRAMES, 3) the probability that a voice speaks.
    """

    frames: int
    starts: Ints
    speaking: Flags
    chance: FloatArray

    def covered(self, window: int) -> tuple[slice, int]:
        """The frames of the line that a window covers, and their number (the last window may reach beyond)."""
        start = int(self.starts[window])
        end = min(self.frames, start + FRAMES)
        return slice(start, end), end - start

    def over(self, first: int, last: int) -> range:
        """The windows that cover any of these frames."""
        return range(
            int(np.searchsorted(self.starts, first - FRAMES, side="right")), int(np.searchsorted(self.starts, last))
        )


def listen(samples: Samples, step_s: float, progress: Progress = ignore_progress) -> LocalVoices:
    """Hear 16 kHz samples (n,) in windows of ten seconds that begin each `step_s` seconds, the last one at the end."""
    frames = max(1, -(-(len(samples) - segmentation.FIRST) // segmentation.STEP))
    starts = _starts(len(samples), step_s)
    windows = len(starts)
    speaking = np.empty((windows, FRAMES, VOICES), dtype=bool)
    chance = np.empty((windows, FRAMES, VOICES), dtype=np.float32)
    for begin in range(0, windows, _AT_ONCE):
        rows = slice(begin, min(windows, begin + _AT_ONCE))
        heard = segmentation.log_probabilities(_cut(samples, starts[rows]))
        speaking[rows] = segmentation.voices(heard)
        chance[rows] = segmentation.chances(heard)
        progress("voices", rows.stop, windows)
    return LocalVoices(frames, starts, speaking, chance)


def frame_at(time_s: float) -> int:
    """The first frame whose centre is not before a time."""
    return max(0, int(np.ceil((time_s * RATE_HZ - segmentation.FIRST) / segmentation.STEP)))


def edge_s(frame: int) -> float:
    """The time (s) at which a frame begins: halfway between its centre and that of the frame before."""
    return max(0.0, (segmentation.FIRST + segmentation.STEP * (frame - 0.5)) / RATE_HZ)


def _starts(count: int, step_s: float) -> Ints:
    """First frames of the windows over `count` samples."""
    last = max(0, -(-(count - segmentation.WINDOW) // segmentation.STEP))
    step = max(1, round(step_s / FRAME_S))
    return np.unique(np.append(np.arange(0, last, step), last)).astype(np.int64)


def _cut(samples: Samples, starts: Ints) -> Samples:
    """The windows (n, samples) that begin at these frames; what lies beyond the end is silence."""
    out = np.zeros((len(starts), segmentation.WINDOW), dtype=np.int16)
    for row, start in zip(out, starts.tolist(), strict=True):
        piece = samples[start * segmentation.STEP :][: segmentation.WINDOW]
        row[: len(piece)] = piece
    return out
