"""Samples of a recording, always at 16 kHz."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
RATE_HZ = 16_000


@dataclass(frozen=True)
class Audio:
    """Samples of one recording at 16 kHz: int16, shape (channels, samples).

    `positions` are the loudspeakers of the channels, by FFmpeg's names (FL, FR, FC, LFE, BL, BR, ...); empty if the
    file does not say or the channels come from several tracks.
    """

    samples: Samples
    positions: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return float(self.samples.shape[1] / RATE_HZ)

    def cut(self, start_s: float, end_s: float, channel: int = 0) -> Samples:
        """Return one channel's samples between two times, clipped to the recording; a view, not a copy."""
        start, end = (round(max(0.0, t) * RATE_HZ) for t in (start_s, end_s))
        return self.samples[channel, start:end]

    def joined(self, spans: Sequence[tuple[float, float]], channel: int = 0) -> Samples:
        """Concatenate one channel's samples in several spans (start_s, end_s). Needs at least one span."""
        if len(spans) == 1:
            return self.cut(*spans[0], channel)
        return np.concatenate([self.cut(start, end, channel) for start, end in spans])
