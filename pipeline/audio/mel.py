"""Compute mel spectrograms with numpy, the same for training and inference."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import fft

FloatArray = npt.NDArray[np.float32]
RATE_HZ = 16_000
WINDOW = 400  # samples: 25 ms
HOP = 160  # samples: 10 ms
_BLOCK = 6_000  # frames at a time, so that scratch memory does not grow with the recording


def slaney_hz_to_mel(hz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Convert hertz to mels on Slaney's scale: linear below 1 kHz, logarithmic above (Auditory Toolbox, 1998)."""
    hz = np.asarray(hz, dtype=np.float64)
    return np.where(hz < 1000, hz * 3 / 200, 15 + np.log(np.maximum(hz, 1e-9) / 1000) * 27 / np.log(6.4))


def slaney_mel_to_hz(mel: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Convert mels on Slaney's scale to hertz; the inverse of `slaney_hz_to_mel`."""
    mel = np.asarray(mel, dtype=np.float64)
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))


@cache
def filterbank(bands: int, low_hz: float = 0.0, high_hz: float = RATE_HZ / 2) -> FloatArray:
    """Triangular, area-normalised mel filters of shape (bands, WINDOW // 2 + 1)."""
    edges = slaney_mel_to_hz(np.linspace(slaney_hz_to_mel(low_hz), slaney_hz_to_mel(high_hz), bands + 2))
    bins = np.linspace(0, RATE_HZ / 2, WINDOW // 2 + 1)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    weights = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    return weights.astype(np.float32)


def frame_count(samples: int) -> int:
    """Number of frames that `mel_power` returns for this many samples (centred frames, one every 10 ms)."""
    return 1 + samples // HOP


def mel_power(
    samples: npt.NDArray[np.int16], bands: int, low_hz: float = 0.0, high_hz: float = RATE_HZ / 2
) -> FloatArray:
    """Mel power of 16 kHz int16 samples (n,), full scale 1, as (frames, bands); frame i is centred on 10 ms * i."""
    frames = frame_count(len(samples))
    weights = filterbank(bands, low_hz, high_hz).T
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    padded = np.zeros((frames - 1) * HOP + WINDOW, dtype=np.int16)
    used = min(len(samples), len(padded) - WINDOW // 2)
    padded[WINDOW // 2 : WINDOW // 2 + used] = samples[:used]
    out = np.empty((frames, bands), dtype=np.float32)
    view = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    for start in range(0, frames, _BLOCK):
        block = view[start : start + _BLOCK].astype(np.float32) / 32768
        spectrum = fft.rfft(block * window, axis=1)
        out[start : start + _BLOCK] = (spectrum.real**2 + spectrum.imag**2) @ weights
    return out
