"""Silence spans of a recording while something listens to it, and bring them back after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from ressenti.pipeline.audio import Audio
from ressenti.pipeline.sounds.interface import Span


@contextmanager
def silenced(audio: Audio, spans: Mapping[int, Sequence[Span]]) -> Iterator[Audio]:
    """Silence spans (s) of channels (from 1) in place, so that no copy of a long recording is needed.

    Samples are as before when the block ends, whatever happens in it.
    """
    kept = []
    for channel, own in spans.items():
        for start_s, end_s in own:
            part = audio.cut(start_s, end_s, channel - 1)
            kept.append((part, part.copy()))
            part[:] = 0
    try:
        yield audio
    finally:
        for part, before in reversed(kept):
            part[:] = before
