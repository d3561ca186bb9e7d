"""Levels of samples over time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.audio.samples import RATE_HZ, Audio, Samples
from ressenti.pipeline.records import Levels

_FRAME = RATE_HZ // 10  # frames of 0.1 s


def frame_levels_db(samples: Samples) -> npt.NDArray[np.float32]:
    """RMS level in dBFS of each 0.1 s of samples (n,); shape (max(1, n // 1600),)."""
    count = max(1, len(samples) // _FRAME)
    out = np.empty(count, dtype=np.float32)
    for start in range(0, count, 600):
        block = samples[start * _FRAME : (start + 600) * _FRAME]
        block = block[: len(block) // _FRAME * _FRAME].reshape(-1, _FRAME) if len(block) >= _FRAME else block[None]
        scaled = block.astype(np.float32) / 32768
        out[start : start + len(block)] = 10 * np.log10(np.mean(scaled * scaled, axis=1) + 1e-10)
    return out


def levels_of(audio: Audio, most: int = 1200) -> Levels:
    """Level of the loudest channel over time, in at most `most` steps, each a multiple of 0.1 s."""
    frames = np.max([frame_levels_db(channel) for channel in audio.samples], axis=0)
    width = -(-len(frames) // most)
    padded = np.pad(frames, (0, -len(frames) % width), constant_values=-100.0).reshape(-1, width).max(axis=1)
    return Levels(width * _FRAME / RATE_HZ, tuple(round(float(level), 1) for level in padded))
