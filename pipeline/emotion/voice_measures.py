"""How high, loud and bright a stretch of speech is: what activation changes in any voice, by signal processing alone.

Pitch is the strongest peak of the autocorrelation, divided by that of the window (Boersma 1993), which also finds it
behind a telephone line that does not pass its fundamental. Brightness is the level above 500 Hz against that below.
These are the measures of Bone, Lee and Narayanan (2014, "Robust unsupervised arousal rating"). Nothing is learned.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import fft

from ressenti.pipeline.audio import RATE_HZ, Samples
from ressenti.pipeline.records import VoiceMeasures

_WINDOW, _HOP, _SIZE = 640, 160, 1024  # samples: 40 ms, 10 ms
_LOWEST_HZ, _HIGHEST_HZ = 75.0, 500.0  # of pitch
_PITCH_BELOW_HZ = 1_500.0  # of sound in which pitch is looked for
_OCTAVE_COST = 0.03  # how much weaker a peak may be an octave and more above the longest period
_VOICED, _FEWEST = 0.5, 5  # strength of a voiced frame, and frames without which there is no pitch
_SOFTER_DB = 25.0  # below the loud frames: rather background
_EDGES_HZ = (80.0, 500.0, 3_800.0)  # of what is dull and what is bright
_BLOCK = 2_000  # frames at a time
_REFERENCE_HZ = 55.0
_SILENT = 1e-9


def voice_measures_of(samples: Samples) -> VoiceMeasures | None:
    """Median pitch, level and brightness of speech, int16 samples (n,) at 16 kHz; None where no voice is found."""
    found = [_frames(samples, start) for start in range(0, max(1, (len(samples) - _WINDOW) // _HOP + 1), _BLOCK)]
    period, strength, power, dull, bright = (np.concatenate(parts) for parts in zip(*found, strict=True))
    level_db = 10 * np.log10(power + _SILENT)
    voiced = (level_db > np.percentile(level_db, 95) - _SOFTER_DB) & (strength > _VOICED)
    if np.count_nonzero(voiced) < _FEWEST:
        return None
    pitch_st = 12 * np.log2(RATE_HZ / period[voiced] / _REFERENCE_HZ)
    tilt_db = 10 * np.log10((bright[voiced] + _SILENT) / (dull[voiced] + _SILENT))
    return VoiceMeasures(
        pitch_st=round(float(np.median(pitch_st)), 3),
        level_db=round(float(10 * np.log10(np.mean(power[voiced]) + _SILENT)), 3),
        tilt_db=round(float(np.median(tilt_db)), 3),
    )


def _frames(samples: Samples, first: int) -> tuple[npt.NDArray[np.float64], ...]:
    """Period (samples), strength, power, and power below and above 500 Hz of frames from `first` on, each (frames,)."""
    part = samples[first * _HOP : (first + _BLOCK - 1) * _HOP + _WINDOW].astype(np.float32) / 32768
    part = np.pad(part, (0, max(0, _WINDOW - len(part))))
    frames = np.lib.stride_tricks.sliding_window_view(part, _WINDOW)[::_HOP]
    window, shortest, own, liked, hz = _constants()
    power = np.abs(fft.rfft((frames - frames.mean(axis=1, keepdims=True)) * window, _SIZE, axis=1)) ** 2
    low, middle, high = _EDGES_HZ
    dull = power[:, (hz >= low) & (hz < middle)].sum(axis=1)
    bright = power[:, (hz >= middle) & (hz < high)].sum(axis=1)
    alike = fft.irfft(np.where(hz > _PITCH_BELOW_HZ, 0, power), axis=1)
    ratio = alike[:, shortest : shortest + len(own)] / np.maximum(alike[:, :1], 1e-12) / own
    best = (ratio * liked).argmax(axis=1)
    return best + shortest, ratio[np.arange(len(best)), best], power.sum(axis=1), dull, bright


@cache
def _constants() -> tuple[npt.NDArray[np.float64], int, npt.NDArray[np.float64], npt.NDArray[np.float64], np.ndarray]:
    """Window (640,), shortest period, the window's own autocorrelation and the liking of each period, and bins (Hz)."""
    window = np.hanning(_WINDOW + 1)[:-1]
    whole = fft.irfft(np.abs(fft.rfft(window, 2 * _SIZE)) ** 2)
    shortest, longest = int(RATE_HZ / _HIGHEST_HZ), int(RATE_HZ / _LOWEST_HZ)
    periods = np.arange(shortest, longest + 1)
    liked = 1 + _OCTAVE_COST * np.log2(longest / periods) / np.log2(longest / shortest)
    return window, shortest, whole[shortest : longest + 1] / whole[0], liked, fft.rfftfreq(_SIZE, 1 / RATE_HZ)
