"""How activated a speaker sounds against their own level: pitch, level and brightness, each against its usual (pure).

Each measure is taken relative to the speaker's own speech and fused with weights known before, as in Bone, Lee and
Narayanan (2014), whose rating needs no training either. Nothing follows for a class: fear, anger and joy all raise it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.records import Turn, VoiceMeasures

LEAST_S, LEAST_WINDOWS = 15.0, 5  # of a speaker's speech, without which nobody knows what is usual
_WEIGHTS = (0.5, 0.25, 0.25)  # of pitch, level and brightness: pitch counts most, as levels are often adjusted
_FLOORS = (2.0, 3.0, 2.5)  # semitones, dB, dB: even a monotonous voice varies that much
_MOST = 3.0  # standard deviations: beyond them, pitch is rather mistaken
_TO_SPREAD = 1.4826  # from the median absolute deviation to the standard deviation of a normal distribution

Array = npt.NDArray[np.float64]


def with_activation(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Turns whose windows have their activation, in standard deviations of the speaker's own speech.

    None for windows without a voice, and for speakers of less than 15 s of judged speech in fewer than five windows.
    """
    rows: dict[str, list[tuple[int, int]]] = {}
    for k, turn in enumerate(turns):
        for w, window in enumerate(turn.windows):
            if window.voice is not None:
                rows.setdefault(turn.speaker, []).append((k, w))
    told: dict[tuple[int, int], float] = {}
    for own in rows.values():
        windows = [turns[k].windows[w] for k, w in own]
        seconds = np.array([window.weight_s for window in windows])
        if len(own) >= LEAST_WINDOWS and seconds.sum() >= LEAST_S:
            told |= dict(zip(own, activations([w.voice for w in windows if w.voice], seconds).tolist(), strict=True))
    return tuple(
        replace(
            turn,
            windows=tuple(replace(window, activation=told.get((k, w))) for w, window in enumerate(turn.windows)),
        )
        if turn.windows
        else turn
        for k, turn in enumerate(turns)
    )


def activations(voices: Sequence[VoiceMeasures], seconds: npt.ArrayLike) -> Array:
    """Activation (n,) of stretches of one speaker against all of them, weighted by `seconds` (n,)."""
    values = np.array([(voice.pitch_st, voice.level_db, voice.tilt_db) for voice in voices])
    weights = np.asarray(seconds, dtype=np.float64)
    total = np.zeros(len(values))
    for column, weight, floor in zip(values.T, _WEIGHTS, _FLOORS, strict=True):
        usual = _median(column, weights)
        spread = _TO_SPREAD * _median(np.abs(column - usual), weights)
        total += weight * np.clip((column - usual) / np.hypot(spread, floor), -_MOST, _MOST)
    return total


def _median(values: Array, weights: Array) -> float:
    """Weighted median."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(reached, reached[-1] / 2)]])
