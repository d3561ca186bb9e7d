"""Times within a window -> times in the recording: in order, never empty, and within speech (pure)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from ressenti.pipeline.transcription.interface import HeardWord
from ressenti.pipeline.transcription.windows import Window

SHORTEST_S = 0.02  # the model's own resolution
TOLERANCE_S = 0.2  # how far beside speech the middle of a word may lie, as its times and those of speech are not exact


@dataclass(frozen=True)
class Timed:
    """A word with its times within a window (s), and its probability."""

    start_s: float
    end_s: float
    text: str
    probability: float


def in_recording(words: Sequence[Timed], window: Window) -> tuple[list[HeardWord], int]:
    """Words with their times in the recording, and how many found no place within speech.

    A word belongs to the part of the window in which its middle lies. Its times are cut to the speech of that part; a
    word beside it is moved to its edge, but one whose middle lies more than `TOLERANCE_S` outside is none of it. Each
    word begins no earlier than the one before it.
    """
    edges = list(accumulate((part.seconds for part in window.parts), initial=0.0))
    placed: list[HeardWord] = []
    lost = 0
    for word in words:
        middle = (word.start_s + word.end_s) / 2
        k = min(max(bisect_right(edges, middle) - 1, 0), len(window.parts) - 1)
        part = window.parts[k]
        shift = part.start_s - edges[k]
        if not part.from_s - TOLERANCE_S <= middle + shift <= part.to_s + TOLERANCE_S:
            lost += 1
            continue
        earliest = max(part.from_s, placed[-1].start_s if placed else 0.0)
        start = min(max(word.start_s + shift, earliest), part.to_s - SHORTEST_S)
        end = min(max(word.end_s + shift, start + SHORTEST_S), part.to_s)
        if start < earliest:
            lost += 1
            continue
        placed.append(HeardWord(start, end, word.text, window.channel, word.probability))
    return placed, lost
