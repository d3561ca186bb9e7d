"""Mel power of speech -> mel power of non-speech, on which the network learns to be unsure (Hendrycks et al. 2019).

This is outlier exposure, made in the spectrogram rather than like the sounds of `lab.evaluation.generated`. Some of
those are still of the same kind, so only recordings show how well doubt works on unknown kinds of sound.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ressenti.pipeline.audio.mel import FloatArray


def unlike_speech(mel: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Make mel power (n, bands) of non-speech with the level and number of frames of `mel`."""
    made = _KINDS[int(rng.integers(len(_KINDS)))](mel, rng)
    return made * np.float32(mel.sum() / max(float(made.sum()), 1e-12))


def _held(mel: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Hold one frame for a while, then another: hum, notes, chords."""
    rows = np.arange(len(mel))
    at = 0
    while at < len(mel):
        length = int(rng.integers(10, 150))
        rows[at : at + length] = rng.integers(len(mel))
        at += length
    return mel[rows]


def _scattered(mel: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Shuffle the frames: rattle and crackle."""
    return mel[rng.permutation(len(mel))]


def _mirrored(mel: FloatArray, _: np.random.Generator) -> FloatArray:
    """Swap low and high bands."""
    return np.ascontiguousarray(mel[:, ::-1])


def _struck(mel: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Strike a few bands and let them decay over the quietest background: bells, plucked strings."""
    out = np.repeat(np.quantile(mel, 0.05, axis=0)[None], len(mel), axis=0)
    loud, every = float(mel.max()), int(rng.integers(15, 120))
    for start in range(int(rng.integers(every)), len(mel), every):
        rest = np.arange(len(mel) - start)
        for band in rng.integers(mel.shape[1], size=int(rng.integers(1, 6))):
            line = loud * np.exp(-rng.uniform(0, 2) - rest * rng.uniform(0.002, 0.15))
            out[start:, band] = np.maximum(out[start:, band], line)
    return out.astype(np.float32)


_KINDS: tuple[Callable[[FloatArray, np.random.Generator], FloatArray], ...] = (_held, _scattered, _mirrored, _struck)
