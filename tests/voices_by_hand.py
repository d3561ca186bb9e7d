"""Voices of windows made by hand, on one line of frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ressenti.pipeline.diarization.local_voices import FRAMES, LocalVoices

Said = tuple[int, int, int]
"""A voice of a window, and its first and last frame (exclusive) on the recording's line."""

__all__ = ["FRAMES", "made"]


def made(frames: int, windows: Mapping[int, Sequence[Said]]) -> LocalVoices:
    """What windows hear, by their first frames; where a voice speaks, its probability is 0.9, else 0.01."""
    speaking = np.zeros((len(windows), FRAMES, 3), dtype=bool)
    for row, (start, said) in zip(speaking, windows.items(), strict=True):
        for voice, first, last in said:
            row[max(0, first - start) : max(0, last - start), voice] = True
    chance = np.where(speaking, np.float32(0.9), np.float32(0.01))
    return LocalVoices(frames, np.array(list(windows), dtype=np.int64), speaking, chance)
