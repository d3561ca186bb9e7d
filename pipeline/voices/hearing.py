"""Speech of one person -> the embedding of their voice (CAM++), the same way wherever it is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ressenti.pipeline.audio import RATE_HZ, Audio, fbank, without_tones
from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.models import campplus
from ressenti.pipeline.records import Segment, union_s

PIECE_S = 5.0  # of speech that gets an embedding; a voice is the mean of its pieces
MOST_S = 90.0  # of speech that is heard of a person, from all of the recording; more changes little
LEAST_S = 3.0  # with less, a voice is not compared: an embedding says little
_LEAST_PIECE_S = 1.0  # of the last piece

Spans = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class HeardVoice:
    """The embedding (192,) of a voice, of unit length, and the seconds of speech that it was heard in."""

    embedding: FloatArray
    speech_s: float


def hear(audio: Audio, spans: Spans, channel: int = 0) -> HeardVoice | None:
    """The voice of the person who speaks in these spans; None with less than `LEAST_S` seconds of speech."""
    speech_s = sum(end - start for start, end in spans)
    if speech_s < LEAST_S - 1e-6:  # a sum of differences
        return None
    speech = audio.joined(spans, channel)
    length = round(PIECE_S * RATE_HZ)
    pieces = [speech[start : start + length] for start in range(0, len(speech), length)]
    if len(pieces) > 1 and len(pieces[-1]) < _LEAST_PIECE_S * RATE_HZ:
        del pieces[-1]
    most = int(MOST_S / PIECE_S)
    if len(pieces) > most:
        pieces = [pieces[k] for k in np.linspace(0, len(pieces) - 1, most).round().astype(int)]
    rows = campplus.embed([fbank.log_mel(without_tones(piece)) for piece in pieces])
    weights = np.array([len(piece) for piece in pieces], dtype=np.float32)
    mean = np.average(rows, axis=0, weights=weights)
    return HeardVoice((mean / np.linalg.norm(mean)).astype(np.float32), min(speech_s, float(weights.sum()) / RATE_HZ))


def alone(segments: Sequence[Segment], label: str, silenced: Spans = ()) -> list[tuple[float, float]]:
    """Spans in which a speaker speaks and nobody else does, without silenced ones (pure)."""
    own = union_s([(s.start_s, s.end_s) for s in segments if s.speaker == label])
    others = union_s([*((s.start_s, s.end_s) for s in segments if s.speaker != label), *silenced])
    out: list[tuple[float, float]] = []
    k = 0
    for start, end in own:
        while k < len(others) and others[k][1] <= start:
            k += 1
        at, j = start, k
        while j < len(others) and others[j][0] < end:
            if others[j][0] > at:
                out.append((at, others[j][0]))
            at = max(at, others[j][1])
            j += 1
        if at < end:
            out.append((at, end))
    return out
