"""Remove steady sound that is not speech: DC offset, rumble and hum."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import fft, signal
from scipy.ndimage import median_filter

from ressenti.pipeline.audio.samples import RATE_HZ, Samples

_BLOCK = 30 * RATE_HZ  # hum is detected and removed in blocks of about this length
_SETTLED = RATE_HZ  # samples before a block that settle its filters; the transient is then below -80 dB
_CUT_HZ, _ORDER = 65.0, 6  # the deepest voices have about 75 Hz (Baken & Orlikoff 2000)
_WINDOW = RATE_HZ  # of a spectrum: 1 Hz resolution
_FEWEST = 8  # spectra; in a shorter block, a sustained vowel may look like hum
_ALWAYS = 20  # percentile of a line over time: its level that is nearly always present
_NEAR = 25  # neighbouring lines on each side ...
_ABOVE_DB = 15.0  # ... whose median a line of hum exceeds by this
_MATTERS_DB = 30.0  # hum further below the loud part of its block is harmless
_WIDTH_HZ = 5.0  # of a notch
_MOST = 40  # lines


def remove_hum(samples: Samples) -> None:
    """Remove DC offset, rumble and hum from int16 samples (channels, n) at 16 kHz, in place, block by block.

    A high-pass removes what is below the voice; narrow notches remove lines that stand out of a block's spectrum all
    the time (mains hum with its harmonics, a whistle). Needs memory for one block only.
    """
    for channel in samples:
        _clean(channel)


def hum_lines_hz(block: npt.NDArray[np.float64]) -> list[float]:
    """Frequencies of steady lines in a block of samples (n,), full scale 1, the strongest first (pure)."""
    count = 1 + (len(block) - _WINDOW) // (_WINDOW // 2)
    if count < _FEWEST:
        return []
    window = np.hanning(_WINDOW + 1)[:-1]
    starts = range(0, count * (_WINDOW // 2), _WINDOW // 2)
    spectra = np.stack([np.abs(fft.rfft(block[at : at + _WINDOW] * window)).astype(np.float32) for at in starts])
    power_db = 20 * np.log10(spectra * (2 / window.sum() / np.sqrt(2)) + 1e-7)
    always = np.percentile(power_db, _ALWAYS, axis=0)
    floor = median_filter(always, 2 * _NEAR + 1, mode="nearest")
    loud = np.percentile(10 * np.log10((spectra[:, int(_CUT_HZ) :] ** 2).sum(axis=1) * _TO_POWER + 1e-14), 90)
    peak = (always[1:-1] > always[:-2]) & (always[1:-1] >= always[2:])
    stands = peak & ((always - floor)[1:-1] > _ABOVE_DB) & (always[1:-1] > loud - _MATTERS_DB)
    lines = np.flatnonzero(stands[int(_CUT_HZ / 2) :]) + int(_CUT_HZ / 2) + 1
    strongest = lines[np.argsort(-always[lines])][:_MOST]
    left, top, right = (always[strongest + step] for step in (-1, 0, 1))
    between = 0.5 * (left - right) / (left - 2 * top + right - 1e-9)  # peak of a parabola
    return [float(hz) for hz in strongest + between]


_TO_POWER = 2 / (_WINDOW * (_WINDOW * 3 / 8))  # squared spectrum under a Hann window -> mean square (Parseval)


def _clean(channel: npt.NDArray[np.int16]) -> None:
    count = max(1, round(len(channel) / _BLOCK))
    edges = [len(channel) * k // count for k in range(count + 1)]
    before = np.zeros(0, dtype=np.int16)
    for start, end in pairwise(edges):
        if start == end:
            continue
        raw = np.concatenate([before, channel[start:end]])
        lead, before = len(before), raw[-_SETTLED:].copy()
        block = raw.astype(np.float64) / 32768
        sections = _filters(hum_lines_hz(block[lead:]))
        rest = signal.sosfilt_zi(sections) * block[0]  # steady state for the first sample
        out, _ = signal.sosfilt(sections, block, zi=rest)
        channel[start:end] = np.clip(np.round(out[lead:] * 32768), -32768, 32767)


def _filters(lines_hz: Sequence[float]) -> npt.NDArray[np.float64]:
    sections = [signal.butter(_ORDER, _CUT_HZ, "highpass", fs=RATE_HZ, output="sos")]
    for hz in lines_hz:
        notch = np.concatenate(signal.iirnotch(hz, hz / _WIDTH_HZ, fs=RATE_HZ))[None]
        sections += [notch, notch]
    return np.concatenate(sections)
