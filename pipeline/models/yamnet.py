"""YAMNet (Plakal & Ellis 2020): which of AudioSet's 521 classes of sound are heard in each 0.96 s.

Weights are stored as int8 and computed with as fp32. Features are YAMNet's: magnitudes in 64 mel bands (HTK's scale) of
25 ms every 10 ms, as logarithm.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import fft

from ressenti.pipeline.audio import RATE_HZ, Samples
from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.files.hashes import together
from ressenti.pipeline.models import onnx_session, parallel
from ressenti.pipeline.models.hashes import WEIGHTS, built_in
from ressenti.pipeline.records import ModelInfo

WINDOW, HOP = 400, 160  # samples: 25 ms, 10 ms
BANDS, FRAMES, CLASSES = 64, 96, 521
LOWEST_HZ, HIGHEST_HZ = 125.0, 7500.0
OFFSET = 0.001  # added to magnitudes before the logarithm
STEP = 48  # frames from one patch to the next
STEP_S = STEP * HOP / RATE_HZ
PATCH_S = FRAMES * HOP / RATE_HZ
_FFT = 512
_BATCH = 16  # patches; more do not fit into the caches of a core, and take half as long again on two


@cache
def hashes() -> dict[str, str]:
    """SHA-256 of the file by name, checked; `ModelError` where it is missing or differs."""
    return built_in("yamnet.json", "the built-in model of sounds")


@cache
def info() -> ModelInfo:
    """What the report says of the model; raises `ModelError` as `hashes` does."""
    return ModelInfo(task="sounds", name="yamnet", licence="Apache-2.0", sha256=together(hashes()), commercial=True)


@cache
def class_names() -> tuple[str, ...]:
    """AudioSet's names of the classes, in their order."""
    hashes()
    return tuple(json.loads((WEIGHTS / "yamnet.json").read_text(encoding="utf-8"))["classes"])


def probabilities(samples: Samples, done: Callable[[int], None] = lambda _: None) -> FloatArray:
    """Probabilities (n, 521) of each class in patches of 0.96 s, one every 0.48 s, of samples (m,) at 16 kHz.

    Patch i begins at 0.48 i s; the last reaches beyond the sound, into silence. Classes are independent, so rows do not
    sum to 1. Empty for no samples. `done` is told how many patches are done.
    """
    hashes()
    count = -(-len(samples) // (STEP * HOP))
    session = onnx_session(WEIGHTS / "yamnet.onnx")

    def heard(first: int) -> FloatArray:
        number = min(_BATCH, count - first)
        start = first * STEP * HOP
        length = ((number - 1) * STEP + FRAMES - 1) * HOP + WINDOW
        block = np.zeros(length, dtype=np.float32)
        own = samples[start : start + length]
        block[: len(own)] = own / np.float32(32768)
        rows = log_mel(block)
        view = np.lib.stride_tricks.sliding_window_view(rows, FRAMES, axis=0)[::STEP].transpose(0, 2, 1)
        logits: FloatArray = session.run(None, {"patches": np.ascontiguousarray(view[:, None])})[0]
        return (1 / (1 + np.exp(-np.clip(logits, -50, 50)))).astype(np.float32)

    parts = []
    for part in parallel.each(heard, range(0, count, _BATCH)):
        parts.append(part)
        done(min(count, len(parts) * _BATCH))
    return np.concatenate(parts) if parts else np.zeros((0, CLASSES), dtype=np.float32)


def log_mel(sound: FloatArray) -> FloatArray:
    """Log mel magnitudes (frames, 64) of sound (n,) of full scale 1 at 16 kHz; whole frames only."""
    view = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::HOP]
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    magnitudes = np.abs(fft.rfft(view * window, _FFT, axis=1))
    mel: FloatArray = np.log(magnitudes @ _filters() + np.float32(OFFSET))
    return mel


@cache
def _filters() -> FloatArray:
    """Triangular filters (257, 64), evenly spaced on HTK's mel scale, each with a peak of 1."""
    low, high = (1127 * np.log1p(hz / 700) for hz in (LOWEST_HZ, HIGHEST_HZ))
    edges = np.linspace(low, high, BANDS + 2)
    bins = 1127 * np.log1p(np.linspace(0, RATE_HZ / 2, _FFT // 2 + 1) / 700)[:, None]
    rising: npt.NDArray[np.float64] = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    filters: FloatArray = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return filters
