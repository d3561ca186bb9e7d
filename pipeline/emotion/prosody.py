"""Samples -> pitch, how voiced, and spectral tilt, frame by frame with the mel spectrogram (pure).

Pitch is the highest peak of the autocorrelation of the windowed sound over that of the window (Boersma 1993, Accurate
short-term analysis of the fundamental frequency), at 8 kHz, from 70 to 1,800 Hz: harmonics of a voice that a telephone
leaves are enough for it.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import fft, signal

from pipeline.mel import HOP, FloatArray, frame_count

COLUMNS = 3
_RATE_HZ = 8_000
_STEP = HOP // 2
_WINDOW = 512  # samples: 64 ms, three periods of the lowest voice
_SIZE = 640  # of the transform: window and longest lag, so that nothing wraps around
_SHORTEST, _LONGEST = _RATE_HZ // 500, _RATE_HZ // 65  # lags of a pitch, in samples
_OCTAVE_COST = 0.02  # of correlation: the shorter of two periods that fit alike
_VOICE_HZ, _LOW_HZ, _HIGH_HZ = (70.0, 1_800.0), (100.0, 1_000.0), (1_000.0, 3_400.0)
_BLOCK = 6_000  # frames at a time


def prosody(samples: npt.NDArray[np.int16]) -> FloatArray:
    """Prosody of 16 kHz int16 samples (n,), shape (frames, 3), frames as in `pipeline.mel`.

    Columns: pitch in octaves above 1 Hz (a guess where there is no voice), the strength of voicing from 0 to 1, and the
    logarithm of the power from 1,000 to 3,400 Hz over that from 100 to 1,000 Hz.
    """
    frames = frame_count(len(samples))
    narrow = signal.resample_poly(samples.astype(np.float32) / np.float32(32768), 1, 2).astype(np.float32)
    padded = np.zeros((frames - 1) * _STEP + _WINDOW, np.float32)
    used = min(len(narrow), len(padded) - _WINDOW // 2)
    padded[_WINDOW // 2 : _WINDOW // 2 + used] = narrow[:used]
    view = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_STEP]
    out = np.empty((frames, COLUMNS), np.float32)
    for start in range(0, frames, _BLOCK):
        out[start : start + _BLOCK] = _of_frames(view[start : start + _BLOCK])
    return out


def _of_frames(frames: FloatArray) -> FloatArray:
    window, correction, to_lags, low, high = _constants()
    spectrum = fft.rfft((frames - frames.mean(axis=1, keepdims=True)) * window, _SIZE, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    correlation = power[:, : len(to_lags)] @ to_lags  # of lag 0, then of those that a pitch may have
    lags = np.arange(_SHORTEST - 1, _LONGEST + 2)
    strength = correlation[:, 1:] / (correlation[:, :1] + np.float32(1e-9)) / correction[lags]
    cost = (_OCTAVE_COST * np.log2(lags / _SHORTEST)).astype(np.float32)
    best = (strength - cost)[:, 1:-1].argmax(axis=1) + 1
    rows = np.arange(len(frames))
    before, at, after = (strength[rows, best + k] for k in (-1, 0, 1))
    bend = np.minimum(before - 2 * at + after, np.float32(-1e-6))  # a peak is bent downwards
    lag = lags[best] + np.clip((before - after) / (2 * bend), -0.5, 0.5)
    tilt = np.log((power @ high + 1e-9) / (power @ low + 1e-9))
    out = np.stack([np.log2(_RATE_HZ / lag), np.clip(at, 0, 1), np.clip(tilt, -12, 6)], axis=1)
    made: FloatArray = out.astype(np.float32)
    return made


@cache
def _constants() -> tuple[FloatArray, ...]:
    """Window, its autocorrelation, cosines from power to correlation (bins, lags), low and high band as masks."""
    window = np.hanning(_WINDOW + 1)[:-1]
    own = fft.irfft(np.abs(fft.rfft(window, _SIZE)) ** 2, _SIZE)
    hz = fft.rfftfreq(_SIZE, 1 / _RATE_HZ)
    voice, low, high = [(hz > a) & (hz < b) for a, b in (_VOICE_HZ, _LOW_HZ, _HIGH_HZ)]
    bins = np.arange(np.flatnonzero(voice)[-1] + 1)
    lags = np.r_[0, _SHORTEST - 1 : _LONGEST + 2]
    to_lags = 2 / _SIZE * voice[bins, None] * np.cos(2 * np.pi * np.outer(bins, lags) / _SIZE)
    return tuple(a.astype(np.float32) for a in (window, np.maximum(own / own[0], 0.1), to_lags, low, high))
