"""Samples -> log mel features as Kaldi computes them, in numpy alone: what speaker embeddings were trained on.

Settings are those of `compute-fbank-feats` with 80 bands and no dither (Povey et al. 2011, and
`torchaudio.compliance.kaldi.fbank`, against which the tests compare), on samples of full scale 1.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import fft

from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.audio.samples import RATE_HZ, Samples

BANDS = 80
WINDOW = 400  # samples: 25 ms
HOP = 160  # samples: 10 ms
PREEMPHASIS = 0.97
LOWEST_HZ = 20.0
_POINTS = 512  # of the Fourier transform
_POVEY = 0.85  # exponent of the Hann window
_FLOOR = np.finfo(np.float32).eps  # of the power of a band
_BLOCK = 6_000  # frames at a time, so that an hour costs no more scratch memory than a minute


def frame_count(samples: int) -> int:
    """Frames of so many samples: those that lie wholly within them, one each 10 ms."""
    return max(0, 1 + (samples - WINDOW) // HOP)


def log_mel(samples: Samples) -> FloatArray:
    """Log mel power of 16 kHz samples (n,) as (frames, 80); frame i begins at 10 ms * i. No mean is taken out."""
    frames = frame_count(len(samples))
    out = np.empty((frames, BANDS), dtype=np.float32)
    if frames == 0:
        return out
    view = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    for start in range(0, frames, _BLOCK):
        block = view[start : start + _BLOCK].astype(np.float32) / 32768
        block -= block.mean(axis=1, keepdims=True)
        before = np.concatenate([block[:, :1], block[:, :-1]], axis=1)
        spectrum = fft.rfft((block - np.float32(PREEMPHASIS) * before) * _window(), n=_POINTS, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        out[start : start + _BLOCK] = np.log(np.maximum(power @ _filters().T, _FLOOR))
    return out


@cache
def _window() -> FloatArray:
    """Povey's window: Hann's with both ends at zero, to the power of 0.85."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / (WINDOW - 1))
    return (hann**_POVEY).astype(np.float32)


@cache
def _filters() -> FloatArray:
    """Filters (80, 257), triangular on the mel scale of Kaldi, which leaves out the bin at half the rate."""
    edges = np.linspace(_mel(LOWEST_HZ), _mel(RATE_HZ / 2), BANDS + 2)
    bins = _mel(np.arange(_POINTS // 2) * RATE_HZ / _POINTS)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    weights = np.maximum(0, np.minimum(rising, falling))
    return np.pad(weights, ((0, 0), (0, 1))).astype(np.float32)


def _mel(hz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return 1127 * np.log1p(np.asarray(hz, dtype=np.float64) / 700)
