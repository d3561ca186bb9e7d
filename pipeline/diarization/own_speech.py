"""The speech of one channel without what lies between, so that voices are sought only where it speaks (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ressenti.pipeline.audio import RATE_HZ, Samples

_PAUSE_S = 0.3  # of silence between two spans, at most
_FADE = RATE_HZ // 100  # samples at the edges of a span, so that no click is heard


@dataclass(frozen=True)
class OwnSpeech:
    """Spans of a channel's speech, one after the other with short silences between them.

    `samples` (n,) are at 16 kHz. `spans` (s) lie in them, `origins` (s) are the same spans in the channel.
    """

    samples: Samples
    spans: tuple[tuple[float, float], ...]
    origins: tuple[tuple[float, float], ...]

    @property
    def speech_s(self) -> float:
        """Seconds of speech."""
        return sum(end - start for start, end in self.spans)

    def in_channel(self, start_s: float, end_s: float) -> list[tuple[float, float]]:
        """Where in the channel the speech between two times of `samples` is."""
        found = []
        for (start, end), (origin, _) in zip(self.spans, self.origins, strict=True):
            first, last = max(start, start_s), min(end, end_s)
            if first < last:
                found.append((origin + first - start, origin + last - start))
        return found


def own_speech(samples: Samples, spans: Sequence[tuple[float, float]]) -> OwnSpeech:
    """Cut the spans (s, sorted and disjoint) of a channel's samples (n,) together."""
    parts: list[Samples] = []
    placed, origins, length = [], [], 0
    before_s = 0.0
    for start, end in spans:
        speech = _faded(samples[round(start * RATE_HZ) : round(end * RATE_HZ)])
        if not len(speech):
            continue
        if parts:
            parts.append(np.zeros(round(min(_PAUSE_S, start - before_s) * RATE_HZ), np.int16))
            length += len(parts[-1])
        parts.append(speech)
        placed.append((length / RATE_HZ, (length + len(speech)) / RATE_HZ))
        origins.append((start, start + len(speech) / RATE_HZ))
        length, before_s = length + len(speech), end
    joined = np.concatenate(parts) if parts else np.zeros(0, np.int16)
    return OwnSpeech(joined, tuple(placed), tuple(origins))


def _faded(speech: Samples) -> Samples:
    """A copy that begins and ends softly."""
    out = speech.copy()
    ramp = np.linspace(0, 1, min(_FADE, len(out) // 2), dtype=np.float32)
    out[: len(ramp)] = out[: len(ramp)] * ramp
    out[len(out) - len(ramp) :] = out[len(out) - len(ramp) :] * ramp[::-1]
    return out
