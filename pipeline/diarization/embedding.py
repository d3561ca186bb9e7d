"""Cut spans of speech into windows and compute speaker embeddings (GE2E, 256 values of unit length each)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.audio import RATE_HZ, Samples, without_tones
from ressenti.pipeline.audio.mel import HOP, WINDOW, FloatArray, mel_power
from ressenti.pipeline.models import parallel, voice_encoder
from ressenti.pipeline.progress import Progress, ignore_progress

_BATCH = 64
_SHORTEST_S = 0.4  # minimum window; shorter spans are widened into their surroundings


@dataclass(frozen=True)
class SpeechWindow:
    """A stretch of one span of speech; `full` if it has the full window length."""

    start_s: float
    end_s: float
    span: int
    full: bool

    @property
    def centre_s(self) -> float:
        """Centre in seconds."""
        return (self.start_s + self.end_s) / 2


def windows_of(spans: Sequence[tuple[float, float]], window_s: float, step_s: float) -> list[SpeechWindow]:
    """Cover each span with windows; the last one is aligned with the span's end (pure)."""
    out: list[SpeechWindow] = []
    for index, (start, end) in enumerate(spans):
        if end - start < window_s:
            out.append(SpeechWindow(start, end, index, full=False))
            continue
        count = int(np.ceil((end - start - window_s) / step_s - 1e-6)) + 1
        starts = np.linspace(start, end - window_s, count) if count > 1 else [start]
        out += [SpeechWindow(float(at), float(at) + window_s, index, full=True) for at in starts]
    return out


def embed(samples: Samples, windows: Sequence[SpeechWindow], progress: Progress = ignore_progress) -> FloatArray:
    """Embeddings (windows, 256) of 16 kHz samples (n,); batching by length does not change the result."""
    lengths = np.array([max(_SHORTEST_S, w.end_s - w.start_s) for w in windows])
    frames = np.round(lengths * RATE_HZ / HOP).astype(int)
    out = np.zeros((len(windows), voice_encoder.WIDTH), dtype=np.float32)
    same = (np.flatnonzero(frames == length) for length in np.unique(frames))
    parts = [rows[start : start + _BATCH] for rows in same for start in range(0, len(rows), _BATCH)]

    def embed_windows(part: npt.NDArray[np.int64]) -> FloatArray:
        return voice_encoder.embeddings(np.stack([_mel(samples, windows[i], int(frames[i])) for i in part]))

    done = 0
    for part, vectors in zip(parts, parallel.each(embed_windows, parts), strict=True):
        out[part] = vectors
        done += len(part)
        progress("voices", done, len(windows))
    return out


def _mel(samples: Samples, window: SpeechWindow, frames: int) -> FloatArray:
    """Mel power (frames, 40) of a window, with context for its first and last frames, raised to the encoder's level."""
    start = round(window.centre_s * RATE_HZ) - frames * HOP // 2
    start = max(0, min(start, len(samples) - frames * HOP))
    piece = samples[max(0, start - WINDOW // 2) : start + frames * HOP + WINDOW // 2]
    piece = without_tones(piece)  # a beep is not a voice
    lead = (start - max(0, start - WINDOW // 2)) // HOP
    mel = mel_power(piece, voice_encoder.BANDS)[lead : lead + frames]
    if len(mel) < frames:
        mel = np.pad(mel, ((0, frames - len(mel)), (0, 0)))
    inner = piece.astype(np.float32) / 32768
    gain_db = max(
        0.0, voice_encoder.LEVEL_DBFS - 10 * float(np.log10(np.mean(inner * inner) + 1e-12))
    )  # only raised, as in training
    return mel * np.float32(10 ** (gain_db / 10))
