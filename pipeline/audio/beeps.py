"""Remove beeps: tones of one or two lines whose level and frequency are steadier than any voice (pure)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft
from scipy.ndimage import maximum_filter1d

from ressenti.pipeline.audio.samples import RATE_HZ, Samples

_WINDOW, _HOP = 640, 160  # samples: lines of 25 Hz every 10 ms, which resolves the tone pairs of a keypad
_LOWEST = 13  # line: 325 Hz; call progress tones start at 350 Hz (ITU-T E.180), the pitch of voices is below
# Frames that must be steady: with their windows 90 ms; keypads send 100 ms (ETSI ES 201 235). With this drift and the
# share below, 1.3 of 2,690 s of varied speech are affected; with 5 frames, 5 Hz, 2 dB and a share of 0.5, 3 %
_FRAMES = 6
_DRIFT_HZ = 1.5
_DRIFT_DB = 1.0
_STANDS_DB = 12.0  # above lines a little further away
_SHARE = 0.9  # of a frame's power that is tone
_REACH = 50  # frames around a certain tone in which a steady line there counts as tone, even during speech
_LINES = 3  # at most; a sustained vowel has more
_SPREAD = 3  # lines on each side that are removed with a tone
_SPLASH = 10  # the same at its start and end, which click
_AROUND = 4  # frames before and after whose windows overlap the tone
_BLOCK = 30 * RATE_HZ
_MARGIN = RATE_HZ // 4  # samples on each side of a block, a whole number of hops

Mask = npt.NDArray[np.bool_]
Indexes = npt.NDArray[np.int_]


def without_tones(samples: Samples) -> Samples:
    """Remove beeps from samples (n,) at 16 kHz; returns the same array if there are none."""
    out = samples
    for start in range(0, len(samples), _BLOCK):
        first, last = max(0, start - _MARGIN), min(len(samples), start + _BLOCK + _MARGIN)
        piece = samples[first:last]
        cleaned = _cleaned(piece)
        if cleaned is not piece:
            if out is samples:
                out = samples.copy()
            out[start : start + _BLOCK] = cleaned[start - first :][: min(_BLOCK, len(samples) - start)]
    return out


def _cleaned(piece: Samples) -> Samples:
    if len(piece) < _WINDOW + _FRAMES * _HOP:
        return piece
    window = np.sqrt(np.hanning(_WINDOW + 1)[:-1]).astype(np.float32)
    count = -(-len(piece) // _HOP) + _WINDOW // _HOP
    padded = np.zeros((count - 1) * _HOP + _WINDOW, dtype=np.float32)
    padded[_WINDOW - _HOP : _WINDOW - _HOP + len(piece)] = piece
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    mask = _tones(fft.rfft(frames * window**2, axis=1))
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return piece
    spectra = fft.rfft(frames[rows] * window, axis=1)
    taken = fft.irfft(np.where(mask[rows], spectra, 0), _WINDOW, axis=1) * window / 2  # four windows add up to 2
    for row, wave in zip(rows, taken, strict=True):
        padded[row * _HOP : row * _HOP + _WINDOW] -= wave
    out = padded[_WINDOW - _HOP : _WINDOW - _HOP + len(piece)]
    cleaned: Samples = np.clip(np.round(out), -32768, 32767).astype(np.int16)
    return cleaned


def _tones(spectra: npt.NDArray[np.complex64]) -> Mask:
    """Mask of spectra (frames, lines) that are tone."""
    power = (spectra.real**2 + spectra.imag**2).astype(np.float32) + np.float32(1e-3)
    whole = power[:, 3:].sum(axis=1)
    level = 10 * np.log10(power)
    top = level[:, _LOWEST:]
    peak = top >= maximum_filter1d(level, 2 * _SPREAD - 1, axis=1)[:, _LOWEST:]
    beside = np.minimum(np.roll(level, _SPREAD + 2, axis=1), np.roll(level, -_SPREAD - 2, axis=1))[:, _LOWEST:]
    peak &= top > beside + _STANDS_DB
    rows, lines = np.nonzero(peak)
    out = np.zeros(power.shape, dtype=bool)
    if not len(rows):
        return out
    steady = _steady_peaks(spectra, level, rows, lines + _LOWEST)
    rows, lines = rows[steady], lines[steady] + _LOWEST
    near = np.clip(lines[:, None] + np.arange(-2, 3), 0, power.shape[1] - 1)
    tone = np.bincount(rows, power[rows[:, None], near].sum(axis=1), minlength=len(power))
    many = np.bincount(rows, minlength=len(power))
    frames = (tone > _SHARE * whole) & (many <= _LINES)
    sure = frames[rows]
    out[rows[sure], lines[sure]] = True
    same = maximum_filter1d(maximum_filter1d(out, 2 * _REACH + 1, axis=0), 3, axis=1)[rows, lines]
    out[:] = False
    for row, line in zip(rows[same], lines[same], strict=True):
        out[row : row + _FRAMES, line] = True
    ends = maximum_filter1d(out, 2 * _AROUND + 1, axis=0) & ~maximum_filter1d(out, 3, axis=1)
    wide: Mask = maximum_filter1d(out, 2 * _SPREAD + 1, axis=1) | maximum_filter1d(ends, 2 * _SPLASH + 1, axis=1)
    return wide


def _steady_peaks(
    spectra: npt.NDArray[np.complex64],
    level: npt.NDArray[np.float32],
    rows: npt.NDArray[np.int_],
    lines: npt.NDArray[np.int_],
) -> Mask:
    """Mask of peaks whose level and frequency (from the phase) stay steady over the next frames."""
    ahead = np.minimum(rows[:, None] + np.arange(_FRAMES), len(spectra) - 1)
    levels = level[ahead, lines[:, None]]
    values = spectra[ahead, lines[:, None]]
    step = np.angle(values[:, 1:] * np.conj(values[:, :-1])) - 2 * np.pi * _HOP / _WINDOW * lines[:, None]
    off_hz = ((step + np.pi) % (2 * np.pi) - np.pi) * RATE_HZ / (2 * np.pi * _HOP)
    steady: Mask = (np.ptp(levels, axis=1) < _DRIFT_DB) & (np.ptp(off_hz, axis=1) < _DRIFT_HZ)
    return steady & (rows + _FRAMES <= len(spectra))
